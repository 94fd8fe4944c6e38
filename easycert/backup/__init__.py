"""Backups of service directories: consistent copies of live databases, as a plain directory or as one sealed file."""
