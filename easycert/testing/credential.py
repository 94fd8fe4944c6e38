"""A certificate with its private key, in memory and in files, ready for a server or a client."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509


@dataclass(frozen=True)
class Credential:
    """What somebody proves with who they are: a certificate, the chain to show with it, and the private key.

    The files stay as they are until the run ends, even when another credential of that name is issued.
    """

    name: str
    certificate: x509.Certificate
    #: PEM: the certificate, and the intermediates that others need with it, in the order TLS wants (RFC 8446 4.4.2).
    pem: bytes
    #: PEM, PKCS#8, not encrypted.
    key_pem: bytes = field(repr=False)
    certificate_file: Path
    key_file: Path

    @property
    def serial_number(self) -> int:
        """The certificate's serial number."""
        return self.certificate.serial_number

    @property
    def files(self) -> tuple[str, str]:
        """The certificate's file and the key's, as ``requests`` wants its ``cert=``."""
        return str(self.certificate_file), str(self.key_file)

    def present_in(self, context: ssl.SSLContext) -> None:
        """Have *context*, a server's or a client's, show this certificate to the other side."""
        context.load_cert_chain(self.certificate_file, self.key_file)


def write_pair(folder: Path, pem: bytes, key_pem: bytes) -> tuple[Path, Path]:
    """Write a certificate and its private key (mode 0600) into the new directory *folder* and return their paths."""
    folder.mkdir(parents=True, mode=0o700)
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(pem)
    with open(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key_pem)
    return certificate_file, key_file
