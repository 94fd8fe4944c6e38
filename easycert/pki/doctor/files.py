"""Rules about what lies around certificates: files and their modes, private keys, CRLs, and CAs of one name.

Each function gets facts and yields findings; the facts are gathered by the workflow, which alone reads files.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from easycert.errors import printable
from easycert.pki.chains import authority_key_id, subject_bytes, subject_key_id
from easycert.pki.doctor.exam import public_bytes
from easycert.pki.doctor.findings import (
    COMMON,
    Client,
    Clients,
    Cure,
    Finding,
    Remedy,
    Severity,
    in_order,
)
from easycert.pki.signatures import UNREADABLE
from easycert.pki.validity import is_due, rfc3339

PRIVATE_FILE_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_BUT_READING_GROUP = _OTHERS & ~stat.S_IRGRP
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NONE: Clients = frozenset()
_SYNAPSE: Clients = frozenset({Client.SYNAPSE})
#: Who looks at CRLs that lie in files: OpenSSL where told to (nginx, HAProxy, Python), Java, GnuTLS; Synapse always.
_CRL_READERS: Clients = frozenset({Client.OPENSSL, Client.STRICT, Client.JAVA, Client.GNUTLS, Client.SYNAPSE})


class FileRule(NamedTuple):
    """A rule about files: its name, what it is about, whom it concerns, and its sources."""

    name: str
    about: str
    clients: Clients
    sources: tuple[str, ...]

    def finds(self, severity: Severity, why: str, remedy: Remedy, clients: Clients | None = None) -> Finding:
        """Return a finding of this rule."""
        concerned = in_order(self.clients if clients is None else clients)
        return Finding(self.name, severity, concerned, why, remedy, self.sources)


KEY_EXPOSED = FileRule(
    "key-exposed", "A private key that others can read or write", _NONE, ("OpenSSH: sshd(8), StrictModes", "CWE-732")
)
DIRECTORY_EXPOSED = FileRule(
    "directory-exposed",
    "A directory that others can write to, or that belongs to somebody else",
    _NONE,
    ("OpenSSH: sshd(8), StrictModes", "CWE-732"),
)
KEY_DIFFERS = FileRule(
    "key-differs", "A private key that is not that of the certificate beside it", _NONE, ("RFC 8446 section 4.4.3",)
)
KEY_MISSING = FileRule(
    "ca-key-missing", "A CA whose key is not in the directory", _NONE, ("none: it may be kept offline",)
)
KEY_ENCRYPTED = FileRule(
    "key-encrypted",
    "A private key with a passphrase",
    _SYNAPSE,
    ("Synapse 2.256: synapse.lib.certdir.CertDir._loadKeyPath",),
)
UNREADABLE_FILE = FileRule(
    "unreadable",
    "A certificate, key or CRL that cannot be decoded",
    COMMON | _SYNAPSE,
    (
        "RFC 7468",
        "RFC 5280 section 4.1",
        "Synapse 2.256: synapse.lib.certdir.CertDir.getCaCerts and _getCaCrls: one broken file, and all fails",
    ),
)
STRAY_FILE = FileRule(
    "stray-file",
    "A hidden .crt in cas/, left by an editor or a copy",
    _SYNAPSE,
    ("Synapse 2.256: synapse.lib.certdir.CertDir.getCaCerts and _loadCasIntoSSLContext read each .crt in cas/",),
)
NAMESAKES = FileRule(
    "ca-namesakes",
    "Two CAs of one subject with different keys",
    _SYNAPSE,
    ("RFC 4158 section 2.4.2", "RFC 5280 section 4.2.1.1"),
)
CRL_STALE = FileRule(
    "crl-stale",
    "A CRL whose nextUpdate has passed, or will soon",
    _CRL_READERS,
    ("RFC 5280 sections 5.1.2.5 and 6.3.3",),
)
CRL_MISSING = FileRule(
    "crl-missing", "A CA whose certificates name a CRL, without one here", _NONE, ("RFC 5280 section 4.2.1.13",)
)
CRL_FOREIGN = FileRule(
    "crl-foreign", "A CRL that no CA of the directory signed", _SYNAPSE, ("RFC 5280 section 6.3.3 (f) and (g)",)
)
NOT_PEM = FileRule(
    "not-pem",
    "A CA or a CRL in DER where PEM is expected",
    _SYNAPSE,
    ("Synapse 2.256: synapse.lib.certdir.CertDir._loadCertByts and _getCaCrls",),
)
LEDGER_DIFFERS = FileRule(
    "ledger-differs",
    "A file or CRL that is not as the ledger has it",
    _NONE,
    ("none: easycert ledger verify; whatever changed it did not go through easycert",),
)
LEDGER_BROKEN = FileRule(
    "ledger-broken",
    "A ledger that cannot be read, or whose entries were changed",
    _NONE,
    ("none: easycert ledger verify; each entry names the digest of the one before",),
)
FILE_RULES = (
    KEY_EXPOSED,
    DIRECTORY_EXPOSED,
    KEY_DIFFERS,
    KEY_MISSING,
    KEY_ENCRYPTED,
    UNREADABLE_FILE,
    STRAY_FILE,
    NAMESAKES,
    CRL_STALE,
    CRL_MISSING,
    CRL_FOREIGN,
    NOT_PEM,
    LEDGER_DIFFERS,
    LEDGER_BROKEN,
)


def private_file(path: str, mode: int, *, ours: bool, shared: bool = False) -> Iterator[Finding]:
    """Judge the mode of a file with a private key in it; a *shared* one may be read by its group."""
    refused = _OTHERS_BUT_READING_GROUP if shared else _OTHERS
    if mode & refused:
        why = f"{printable(path)} holds a private key, and others can use it (mode {mode:04o})"
        yield KEY_EXPOSED.finds(Severity.ERROR, why, _mode(path, mode & ~refused if shared else PRIVATE_FILE_MODE))
    elif not ours:
        why = f"{printable(path)} holds a private key and belongs to another user"
        yield KEY_EXPOSED.finds(Severity.NOTE, why, Remedy(Cure.LOOK))


def directory(path: str, mode: int, *, ours: bool) -> Iterator[Finding]:
    """Judge the mode and the owner of a directory that keys and trusted CAs lie in."""
    if mode & _OTHERS_WRITE:
        why = f"others can put files into {printable(path)} (mode {mode:04o}), a CA of their own for one"
        yield DIRECTORY_EXPOSED.finds(Severity.ERROR, why, _mode(path, mode & ~_OTHERS_WRITE))
    elif not ours:
        why = f"{printable(path)} belongs to another user, who can put files into it"
        yield DIRECTORY_EXPOSED.finds(Severity.ERROR, why, Remedy(Cure.LOOK))


def namesakes(
    authorities: Sequence[x509.Certificate], mine: x509.Certificate, *, for_synapse: bool
) -> Iterator[Finding]:
    """Judge whether another CA of the directory has the subject of *mine*, and another key."""
    wanted, key = subject_bytes(mine), public_bytes(mine)
    others = [one for one in authorities if subject_bytes(one) == wanted and public_bytes(one) != key]
    if not others or wanted is None:
        return
    told_apart = all(subject_key_id(one) is not None for one in (mine, *others))
    why = "another CA here has the same subject and another key" + (
        "" if told_apart else ", and no key identifiers tell them apart"
    )
    severity = Severity.ERROR if for_synapse else Severity.NOTE if told_apart else Severity.WARNING
    yield NAMESAKES.finds(severity, why, Remedy(Cure.NEW_CA))


def revocation_list(
    crl: x509.CertificateRevocationList, signer: x509.Certificate | None, now: datetime
) -> Iterator[Finding]:
    """Judge a CRL by its dates; *signer* is the CA of the directory that signed it, if any did."""
    remedy = Remedy(Cure.CRL)
    if signer is None:
        why = "no CA here signed it (its issuer, key identifier or signature is of another)"
        yield CRL_FOREIGN.finds(Severity.ERROR, why, Remedy(Cure.MOVE_AWAY))
        return
    begin, end = crl.last_update_utc, crl.next_update_utc
    if end is None:
        yield CRL_STALE.finds(Severity.NOTE, "it does not say when the next one comes (nextUpdate)", remedy, _NONE)
    elif now > end:
        why = f"it is stale since {rfc3339(end)}: whoever looks at it takes no certificate of its CA"
        yield CRL_STALE.finds(Severity.ERROR, why, remedy)
    elif is_due(begin, end, now):
        why = f"it is stale from {rfc3339(end)} on, and less than a third of its time is left"
        yield CRL_STALE.finds(Severity.WARNING, why, remedy, _NONE)


def signer_of(crl: x509.CertificateRevocationList, authorities: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Return the CA among *authorities* whose key signed *crl*, or None."""
    for authority in authorities:
        try:
            wanted, found = authority_key_id(crl), subject_key_id(authority)
            if crl.issuer != authority.subject or (wanted is not None and found is not None and wanted != found):
                continue
            if crl.is_signature_valid(authority.public_key()):  # type: ignore[arg-type]
                return authority
        except (InvalidSignature, *UNREADABLE):
            continue
    return None


def names_a_crl(certificate: x509.Certificate) -> bool:
    """Return whether a certificate says where its CA's CRL lies."""
    try:
        certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
    return True


def _mode(path: str, mode: int) -> Remedy:
    return Remedy(Cure.MODE, path=path, mode=mode)
