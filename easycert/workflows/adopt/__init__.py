"""Taking over what another tool's CA directory holds: its CAs, keys, certificates and revocations, all or nothing."""
