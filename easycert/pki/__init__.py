"""The pure core: names, keys, profiles, certificates, requests, CRLs, verification. No file, clock, socket or environment."""
