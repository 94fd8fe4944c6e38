"""Encodings of certificates and keys that are more than one object: PEM files of any kind, PKCS#12."""
