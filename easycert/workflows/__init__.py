"""One use case per file: (certdir, request) -> frozen result."""
