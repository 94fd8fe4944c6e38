"""Certificates that nobody at easycert would make, with the verdict that each deserves: data, no tests.

The cases are those that conformance suites for path validation look at, made anew: x509-limbo (C2SP), NIST's PKITS and
BetterTLS, and what RFC 5280, RFC 9525 and the CA/Browser Forum's requirements say. ``tests/pki/test_corpus*.py``
hold easycert to them, and other verifiers too.
"""
