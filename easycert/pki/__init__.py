"""The pure core: names, keys, certificates, requests, CRLs, verification. No file, clock, socket or environment."""
