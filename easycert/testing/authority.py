"""A certificate authority for a test run: made in milliseconds, used through nouns and verbs, thrown away afterwards.

It is easycert itself over a certificate directory of its own: what it issues, a real one would issue.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from cryptography import x509

from easycert.certdir import CertDir
from easycert.model import Kind
from easycert.pki.certificates import certificate_pem, load_certificate
from easycert.pki.crl import load_crl, parse_reason
from easycert.pki.encodings import Encoding
from easycert.pki.facts import fingerprint_of
from easycert.pki.keys import KeyType
from easycert.pki.names import CaName, CodeName, HostName, UserName
from easycert.pki.sans import parse_san
from easycert.pki.validity import When, parse_when
from easycert.store import layout
from easycert.testing.credential import Credential, write_pair
from easycert.trust.variables import VARIABLES
from easycert.workflows.issue import Issued, IssueRequest, issue
from easycert.workflows.publish import publish
from easycert.workflows.revoke import RevokeRequest, Why, revoke_named

#: Roots of tests are valid for longer than any test pretends to be away: a clock that is stopped in 2021 or 2040 finds
#: its certificates signed by a CA that is valid, too. The first is the earliest clock with which easycert signs.
_ROOT_START, _ROOT_END = "2020-01-01", "2049-12-31"

#: A point in time: an aware datetime, a distance from now, or what ``--not-after`` takes (``90d``, ``2027-03-15``).
Moment = datetime | timedelta | str


class ThrowawayCA:
    """A CA for tests: it issues, revokes, and says whom to trust.

    Make one with :meth:`make`, or take the fixture ``easycert_ca``. What it raises is what easycert raises
    (:class:`easycert.errors.EasycertError`): InvalidName and InvalidSan for names that are none, for example.
    """

    def __init__(self, certdir: CertDir, name: CaName, folder: Path, above: ThrowawayCA | None = None) -> None:
        """Take over the CA *name* of *certdir*; files for credentials go below *folder*; *above* is its issuer."""
        self.certdir = certdir
        self.name = name
        self._folder = folder
        self._above = above
        self._numbers: Iterator[int] = count(1) if above is None else above._numbers

    @classmethod
    def make(cls, folder: Path, name: str = "tests", certdir: CertDir | None = None) -> ThrowawayCA:
        """Make a root CA, in *certdir* or in a new certificate directory in *folder*, where its files go."""
        certdir = certdir or CertDir.open(folder / "certs")
        ca = CaName(name)
        issue(certdir, [IssueRequest(Kind.CA, ca, start=parse_when(_ROOT_START), end=parse_when(_ROOT_END))])
        return cls(certdir, ca, folder)

    def __repr__(self) -> str:
        """Return which CA it is and where it lies."""
        return f"<{type(self).__name__} {self.name} in {self.directory}>"

    # --- the CA itself -----------------------------------------------------------------------------------------------

    @property
    def directory(self) -> Path:
        """The certificate directory: ``easycert --certdir`` and Synapse understand it."""
        return Path(self.certdir.store.path(layout.certificate(Kind.CA, self.name))).parents[1]

    @property
    def pem(self) -> bytes:
        """The CA's certificate in PEM."""
        return certificate_pem(self.certificate)

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's certificate."""
        found = self.certdir.read(layout.certificate(Kind.CA, self.name))
        assert found, f"somebody removed the CA from {self.directory}"
        return load_certificate(*found)

    @property
    def root(self) -> ThrowawayCA:
        """The CA at the top, whom others trust; a root is its own."""
        return self if self._above is None else self._above.root

    @property
    def trust_file(self) -> Path:
        """A PEM file with the root's certificate, for whatever takes a CA bundle."""
        return Path(self.certdir.store.path(layout.certificate(Kind.CA, self.root.name)))

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables by which programs are told whom to trust, set to :attr:`trust_file`.

        ``easycert run`` sets the same, but to files that hold the system's roots, too: a test trusts nobody else.
        """
        return {variable.name: str(self.trust_file) for variable in VARIABLES if not variable.only_if_set}

    def intermediate(self, name: str = "issuing") -> ThrowawayCA:
        """Make a CA below this one; what it issues comes with the chain that a server has to send."""
        ca = CaName(name)
        self._issue(IssueRequest(Kind.CA, ca, signas=self.name, end=parse_when(_ROOT_END)))
        return ThrowawayCA(self.certdir, ca, self._folder, self)

    # --- issuing -----------------------------------------------------------------------------------------------------

    def issue_host(
        self,
        name: str,
        *sans: str,
        key_type: str | None = None,
        end: Moment | None = None,
        start: Moment | None = None,
    ) -> Credential:
        """Issue a server's certificate for *name* and *sans*: DNS names, wildcards, IP addresses.

        *key_type* is ``ec256`` (the default), ``rsa2048``, ``ed25519`` ... as ``easycert --key-type`` has it.
        """
        request = IssueRequest(Kind.HOST, HostName(name), sans=tuple(parse_san(san) for san in sans))
        return self._credential(request, key_type, end, start)

    def issue_user(
        self,
        name: str,
        *sans: str,
        key_type: str | None = None,
        end: Moment | None = None,
        start: Moment | None = None,
    ) -> Credential:
        """Issue a client's certificate for *name*, a mailbox or a plain name, and *sans*."""
        request = IssueRequest(Kind.USER, UserName(name), sans=tuple(parse_san(san) for san in sans))
        return self._credential(request, key_type, end, start)

    def issue_code(
        self, name: str, *, key_type: str | None = None, end: Moment | None = None, start: Moment | None = None
    ) -> Credential:
        """Issue a certificate for signing code."""
        return self._credential(IssueRequest(Kind.CODE, CodeName(name)), key_type, end, start)

    def _credential(
        self, request: IssueRequest, key_type: str | None, end: Moment | None, start: Moment | None
    ) -> Credential:
        made = self._issue(
            request._replace(
                signas=self.name,
                key_type=None if key_type is None else KeyType.parse(key_type),
                end=_when(end),
                start=_when(start),
            )
        )
        pem, key_pem = (Path(path or "").read_bytes() for path in (made.certificate_path, made.key_path))
        files = write_pair(self._folder / "issued" / f"{next(self._numbers)}-{made.name}", pem, key_pem)
        return Credential(str(made.name), made.certificate, pem, key_pem, *files)

    def _issue(self, request: IssueRequest) -> Issued:
        (made,) = issue(self.certdir, [request], replace=request.kind is not Kind.CA)
        return made

    # --- revoking ----------------------------------------------------------------------------------------------------

    def revoke(self, revoked: Credential | x509.Certificate, reason: str = "unspecified") -> None:
        """Revoke what this CA issued, and publish its CRL; *reason* is RFC 5280's word (``keyCompromise``)."""
        certificate = revoked.certificate if isinstance(revoked, Credential) else revoked
        target = fingerprint_of(certificate.public_bytes(Encoding.DER))
        revoke_named(self.certdir, RevokeRequest((target,), Why(parse_reason(reason)), signas=self.name))

    @property
    def crl_file(self) -> Path:
        """The CA's certificate revocation list in PEM; the first one is published when it is asked for."""
        entry = layout.crl(self.name)
        if self.certdir.read(entry) is None:
            publish(self.certdir, self.name)
        return Path(self.certdir.store.path(entry))

    @property
    def crl(self) -> x509.CertificateRevocationList:
        """What is in :attr:`crl_file`."""
        return load_crl(self.crl_file.read_bytes(), str(self.crl_file))

    # --- TLS ---------------------------------------------------------------------------------------------------------

    def server_context(self, credential: Credential, *, mutual: bool = False, crl: bool = False) -> ssl.SSLContext:
        """Return a context for a server that presents *credential*.

        With *mutual*, clients must present a certificate of this CA's root, or of a CA below it; with *crl* it must not
        be on this CA's CRL as it is now.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.trust_file))
        credential.present_in(context)
        if mutual:
            context.verify_mode = ssl.CERT_REQUIRED
        return self._checking(context, crl)

    def client_context(self, credential: Credential | None = None, *, crl: bool = False) -> ssl.SSLContext:
        """Return a context for a client that trusts this CA's root and nobody else; names are checked.

        It presents *credential* to servers that ask; with *crl* the server's certificate must not be on the CRL.
        """
        context = ssl.create_default_context(cafile=str(self.trust_file))
        if credential is not None:
            credential.present_in(context)
        return self._checking(context, crl)

    def trust_in(self, context: ssl.SSLContext) -> None:
        """Have *context* trust this CA's root, beside whom it trusts already."""
        context.load_verify_locations(str(self.trust_file))

    def _checking(self, context: ssl.SSLContext, crl: bool) -> ssl.SSLContext:
        if crl:
            context.load_verify_locations(str(self.crl_file))
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        return context


def _when(moment: Moment | None) -> When | None:
    if moment is None or isinstance(moment, When):
        return moment
    if isinstance(moment, str):
        return parse_when(moment)
    return When(None, moment) if isinstance(moment, timedelta) else When(moment, None)
