"""The one error tree of easycert.

Every error carries its facts as attributes and reads as one sentence (``str(error)``) that says what happened and to
which file or name. What to do about it is advice, and advice depends on the door a person came through: only ``cli/``
adds it (``cli/hints.py``) and turns an error into an exit code (``cli/exits.py``).

Text that came from outside is always shown through :func:`printable`, so that an error message cannot move the cursor,
reorder the line or flood the terminal.
"""

from __future__ import annotations

_SHOWN_AT_MOST = 120


def printable(text: object) -> str:
    """Return *text* safe to show on one line: control and invisible characters escaped, cut at 120 characters."""
    whole = str(text)
    if len(whole) <= _SHOWN_AT_MOST and whole.isprintable():
        return whole
    shown = "".join(char if char.isprintable() else _escaped(char) for char in whole[: _SHOWN_AT_MOST + 1])
    return shown if len(shown) <= _SHOWN_AT_MOST else shown[:_SHOWN_AT_MOST] + "..."


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


class EasycertError(Exception):
    """Root of every error that easycert raises on purpose; ``str()`` of it is one sentence for a person."""


# --- what was asked for cannot be understood -------------------------------------------------------------------------


class InvalidInput(EasycertError):
    """A value given by the caller (a name, a SAN, a date, a key type) is not acceptable as it stands."""

    def __init__(self, what: str, text: str, reason: str) -> None:
        self.what = what
        self.text = text
        self.reason = reason
        super().__init__(f"{what} '{printable(text)}' {reason}")


class InvalidName(InvalidInput):
    """A name that cannot be the name of a CA, host, user or code signer."""


class NameLength(InvalidName):
    """A name whose UTF-8 form is empty or longer than a common name may be (RFC 5280 appendix A.1)."""

    def __init__(self, what: str, text: str, *, limit: int) -> None:
        self.length = len(text.encode("utf-8", "surrogatepass"))
        self.limit = limit
        super().__init__(what, text, f"must be 1 to {limit} bytes long in UTF-8, not {self.length}")


class InvalidSan(InvalidInput):
    """A subject alternative name that cannot be written into a certificate (RFC 5280 section 4.2.1.6)."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__("subject alternative name", text, reason)


class InvalidUrl(InvalidInput):
    """A URL that cannot be understood; its text is shown without what could be a password."""

    def __init__(self, shown: str, reason: str) -> None:
        super().__init__("URL", shown, reason)


# --- files and their contents -----------------------------------------------------------------------------------------


class AlreadyExists(EasycertError):
    """A target is there already and nobody asked to replace it."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{printable(path)} exists already")


class NotFound(EasycertError):
    """Something that was named is not in the certificate directory."""

    def __init__(self, what: str, name: str) -> None:
        self.what = what
        self.name = name
        super().__init__(f"there is no {what} named '{printable(name)}'")


class AmbiguousName(EasycertError):
    """A name that several things in the certificate directory have; ``candidates`` lists them as ``host www``."""

    def __init__(self, name: str, candidates: tuple[str, ...]) -> None:
        self.name = name
        self.candidates = candidates
        super().__init__(f"'{printable(name)}' names several: {', '.join(printable(item) for item in candidates)}")


class AmbiguousIssuer(AmbiguousName):
    """A certificate that several CAs of the certificate directory have signed: they share name and key."""

    def __init__(self, name: str, candidates: tuple[str, ...]) -> None:
        super().__init__(name, candidates)
        self.args = (f"several CAs have the key that signed '{printable(name)}': {', '.join(candidates)}",)


class MissingAuthority(NotFound):
    """A CA that is to sign lacks its ``.key`` or its ``.crt``."""

    def __init__(self, name: str, suffix: str) -> None:
        self.suffix = suffix
        super().__init__("certificate authority", name)
        self.args = (f"the CA '{printable(name)}' has no {suffix} in this certificate directory",)


class UnreadableFile(EasycertError):
    """A file that cannot be read: absent, not a regular file, too large, or not permitted."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot read {printable(path)}: {reason}")


class Malformed(EasycertError):
    """Bytes that are not what they should be (PEM, DER, a certificate, a CSR, a CRL, a key, PKCS#12)."""

    def __init__(self, source: str, what: str, reason: str) -> None:
        self.source = source
        self.what = what
        self.reason = reason
        super().__init__(f"{printable(source)} is not {what}: {printable(reason)}")


class EncryptedKey(EasycertError):
    """A private key or PKCS#12 file that needs a passphrase that was not given, or got a wrong one."""

    def __init__(self, source: str, *, wrong: bool) -> None:
        self.source = source
        self.wrong = wrong
        super().__init__(f"the passphrase for {printable(source)} is {'wrong' if wrong else 'missing'}")


class StoreFailure(EasycertError):
    """The file system refused (disk full, read-only, I/O error, no locks): nothing was changed."""

    def __init__(self, path: str, action: str, reason: str) -> None:
        self.path = path
        self.action = action
        self.reason = reason
        super().__init__(f"cannot {action} {printable(path)}: {reason}")


class HalfWritten(EasycertError):
    """Files that go together, of which some are new and some old: the file system refused in between."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"only some of the files in {printable(path)} are new: {reason}")


class StoreBusy(EasycertError):
    """Another process holds the certificate directory's lock for longer than the caller would wait."""

    def __init__(self, path: str, holder: str, waited: float) -> None:
        self.path = path
        self.holder = holder
        self.waited = waited
        super().__init__(f"{printable(path)} is locked by {printable(holder)}; waited {waited:g} s")


class LedgerUnusable(EasycertError):
    """The ledger is damaged, gone, or of a version that this easycert does not know; ``newer`` tells the last."""

    def __init__(self, path: str, reason: str, *, newer: bool = False) -> None:
        self.path = path
        self.reason = reason
        self.newer = newer
        super().__init__(f"the ledger {printable(path)} cannot be used: {printable(reason)}")


class UnsafeDirectory(EasycertError):
    """A certificate directory that other people could change under us (OpenSSH calls this StrictModes)."""

    def __init__(self, path: str, reason: str, *, acceptable: bool = True) -> None:
        self.path = path
        self.reason = reason
        self.acceptable = acceptable  # by somebody who knows better
        super().__init__(f"{printable(path)} is {reason}")


class HookFailed(EasycertError):
    """A program of the operator's that was to take up new certificates failed; they are in place all the same."""

    def __init__(self, command: str, how: str) -> None:
        self.command = command
        self.how = how
        super().__init__(f"the deploy hook '{printable(command)}' {how}; the new files are in place")


# --- other machines ---------------------------------------------------------------------------------------------------


class CannotListen(EasycertError):
    """An address and port at which no server can listen: taken, not allowed, or not of this machine."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        shown = f"[{printable(host)}]" if ":" in host else printable(host)
        super().__init__(f"cannot listen on {shown}:{port}: {printable(reason)}")


class CannotConnect(EasycertError):
    """A server that cannot be reached, or with which no TLS handshake could be begun."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        shown = f"[{printable(host)}]" if ":" in host else printable(host)
        super().__init__(f"cannot connect to {shown}:{port}: {printable(reason)}")


class TrustStoreUnusable(EasycertError):
    """A trust store that cannot be read or changed; ``package`` is the command that brings what is missing, if any."""

    def __init__(self, place: str, reason: str, *, package: str = "") -> None:
        self.place = place
        self.reason = reason
        self.package = package
        super().__init__(f"{printable(place)}: {reason}")


# --- backups ----------------------------------------------------------------------------------------------------------


class LmdbMissing(EasycertError):
    """An LMDB database that was to be backed up by an easycert that has no py-lmdb, which alone copies it safely."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{printable(path)} is an LMDB database, and py-lmdb, which copies it, is not installed")


class DestinationExists(AlreadyExists):
    """A backup, or what one is to be restored to, would lie where something is already."""


class BackupRefused(EasycertError):
    """Something that cannot be backed up or restored as it is; the reason says why."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{printable(path)}: {reason}")


class BackupDamaged(EasycertError):
    """A backup that is not what its manifest says; ``differences`` names each path and how it differs."""

    def __init__(self, path: str, differences: tuple[str, ...]) -> None:
        self.path = path
        self.differences = differences
        more = f", and {len(differences) - 1} more" if len(differences) > 1 else ""
        super().__init__(f"{printable(path)} is not what its manifest says: {differences[0]}{more}")


class NothingToTrust(EasycertError):
    """A certificate directory without a CA that a program could be told to trust; ``notes`` say why not, of each."""

    def __init__(self, path: str, notes: tuple[str, ...]) -> None:
        self.path, self.notes = path, notes
        super().__init__("; ".join([f"there is no CA to trust in {printable(path)}", *notes]))


class CommandNotStarted(EasycertError):
    """A program that was to be run and is not there (``missing``) or cannot be executed."""

    def __init__(self, command: str, reason: str, *, missing: bool) -> None:
        self.command, self.reason, self.missing = command, reason, missing
        super().__init__(f"cannot run {printable(command)}: {reason}")


# --- what a certificate authority must refuse -------------------------------------------------------------------------


class Refused(EasycertError):
    """A request that is understood and must not be granted; the reason says which rule."""

    def __init__(self, subject: str, reason: str) -> None:
        self.subject = subject
        self.reason = reason
        super().__init__(f"{printable(subject)}: {reason}")


class WeakKey(Refused):
    """A key that no certificate may carry (CA/B Forum BR 6.1.5, 6.1.6, 6.1.1.3)."""


class IncompleteChain(Refused):
    """A certificate that is to go out with everything above it, of which a part is not here; ``issuer`` names it."""

    def __init__(self, subject: str, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(subject, f"the certificate of the CA '{printable(issuer)}' above it is not here")


class KeyMismatch(Refused):
    """A private key that does not belong to the certificate beside it."""


class IssuerUnusable(Refused):
    """A CA that may not sign this: expired, not yet valid, not a CA, path length used up, key usage missing."""


class NotPermitted(Refused):
    """A name that lies outside the name constraints of the CA (RFC 5280 section 4.2.1.10)."""


class RequestRefused(Refused):
    """A certificate signing request that must not be signed."""


class LintRefused(Refused):
    """A certificate or CRL that would break rules, all of which are in ``broken``; ``rule`` names the first."""

    def __init__(self, subject: str, broken: tuple[str, ...], rule: str) -> None:
        self.broken = broken
        self.rule = rule
        super().__init__(subject, f"it would break the rule {rule}: {'; '.join(broken)}")


class RenewalRefused(Refused):
    """A certificate that cannot be renewed as it is: it was revoked, or who would have to sign it is not here."""


class WrongIssuer(Refused):
    """A certificate that this CA did not sign."""


class SelfSigned(Refused):
    """A certificate that signed itself: there is no CA whose CRL could revoke it."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject, "it signed itself, so there is no CA whose CRL could revoke it")


class Reason:
    """One rule that a certificate breaks: what is wrong, the clause that says so, and the CA that is at fault, if one.

    ``str()`` of it is a fragment that ends with the clause: ``expired on 2026-05-31 [RFC 5280 6.1.3 (a)(2)]``.
    """

    _fields = ("rule", "section", "certificate")

    def __init__(self, rule: str, section: str, certificate: str | None = None) -> None:
        """Take the *rule* as a fragment, its *section*, and the subject of the CA; None means the leaf."""
        self.rule = rule
        self.section = section
        self.certificate = certificate

    def about(self, certificate: str) -> Reason:
        """Return the same reason, held against the CA whose subject is *certificate*."""
        return Reason(self.rule, self.section, certificate)

    def __str__(self) -> str:
        """Return the reason as it is printed."""
        whose = "" if self.certificate is None else f"its CA '{self.certificate}' "
        return f"{whose}{self.rule} [{self.section}]"

    def __repr__(self) -> str:
        """Return the reason as it would be written in code."""
        return f"Reason({self.rule!r}, {self.section!r}, {self.certificate!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether *other* says the same of the same certificate."""
        return isinstance(other, Reason) and vars(self) == vars(other)

    def __hash__(self) -> int:
        """Return a hash of all that it says."""
        return hash((self.rule, self.section, self.certificate))


class SignerUnfit(Refused):
    """A certificate that may not sign OCSP responses for its CA (RFC 6960 section 4.2.2.2); ``subject`` is its file."""


class VerificationFailed(EasycertError):
    """A certificate that does not verify; ``reasons`` names every failing rule, never just the first."""

    def __init__(self, subject: str, reasons: tuple[Reason, ...]) -> None:
        self.subject = subject
        self.reasons = reasons
        super().__init__(f"{printable(subject)} does not verify: {'; '.join(map(str, reasons))}")
