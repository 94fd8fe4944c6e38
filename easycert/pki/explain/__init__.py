"""What programs print when TLS or a certificate fails, and what it means: data, and the search in it."""
