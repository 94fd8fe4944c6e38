"""Exports: certificates in the form that a program reads, written to its own place, and again when they are renewed."""
