"""Renewal: certificates that are due, or named, get a successor with everything kept; CAs keep their key and name."""
