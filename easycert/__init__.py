"""easycert: a private certificate authority that one person runs from one command and keeps for ten years."""

__version__ = "0.1.0"
