"""The record of every certificate ever issued here: append-only, hash-chained, kept in SQLite or in memory."""
