"""Where private keys live: in files (:mod:`~easycert.signers.keyfile`), or in memory for tests."""
