"""TLS with the certificates of a certificate directory."""
