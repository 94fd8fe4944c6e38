"""What to do about an error: advice for the person at the terminal, by the type of the error and its facts."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from easycert.errors import (
    AlreadyExists,
    AmbiguousIssuer,
    AmbiguousName,
    BackupDamaged,
    CannotConnect,
    DestinationExists,
    EasycertError,
    EncryptedKey,
    HalfWritten,
    HookFailed,
    IncompleteChain,
    InvalidName,
    IssuerUnusable,
    KeyMismatch,
    LedgerUnusable,
    LmdbMissing,
    MissingAuthority,
    NotFound,
    NothingToTrust,
    NotPermitted,
    RenewalRefused,
    RequestRefused,
    SelfSigned,
    SignerUnfit,
    StoreBusy,
    StoreFailure,
    UnsafeDirectory,
    WeakKey,
    WrongIssuer,
    printable,
)


def advice(error: EasycertError) -> str:
    """Return one sentence of advice, or an empty string where the error says it all."""
    for kind, advise in _ADVICE:
        if isinstance(error, kind):
            return advise(error)
    return ""


def _already_exists(_error: EasycertError) -> str:
    return "choose another name, or replace it with --force"


def _missing_authority(error: EasycertError) -> str:
    assert isinstance(error, MissingAuthority)
    name = shlex.quote(error.name) if error.name.isprintable() else "NAME"
    if error.suffix == ".key":
        return f"sign where its key is kept; a CA that is new is made with: easycert ca {name}"
    return f"put its certificate beside its key: easycert import FILE --kind ca --name {name}"


def _not_found(error: EasycertError) -> str:
    assert isinstance(error, NotFound)
    if error.what == "remembered export":
        return "see what is remembered with: easycert export --list"
    return "see what there is with: easycert list"


def _invalid_name(error: EasycertError) -> str:
    assert isinstance(error, InvalidName)
    if error.text.startswith("-"):
        return "put -- before a name that starts with a hyphen"
    if "/" in error.text:
        return "a name is not a path; choose the directory with --certdir"
    return ""


def _ambiguous(error: EasycertError) -> str:
    assert isinstance(error, AmbiguousName)
    if any("(serial 0x" in candidate for candidate in error.candidates):
        return "say which by its serial number with 0x before it, or with --signas"
    return "say which with --kind"


def _busy(_error: EasycertError) -> str:
    return "wait for the other command, or be more patient with --lock-timeout SECONDS"


def _unsafe(error: EasycertError) -> str:
    assert isinstance(error, UnsafeDirectory)
    place = shlex.quote(printable(error.path))
    if not error.acceptable:
        return f"run it as that user; or, if you trust all that is in there: chown root {place}"
    return f"chmod go-w {place} (or chown it), or accept it with --allow-unsafe"


def _ledger(error: EasycertError) -> str:
    assert isinstance(error, LedgerUnusable)
    if error.newer:
        return "use an easycert that is at least as new as the one that wrote it"
    return "look for a backup of it, or make it again with: easycert ledger rebuild"


def _refused_request(error: EasycertError) -> str:
    assert isinstance(error, RequestRefused)
    if "wildcard" in error.reason:
        return "allow it with --allow-wildcard"
    if "it names nothing" in error.reason or "common name" in error.reason:
        return "choose the name with --name"
    return "ask for a new one, made for example with: easycert csr host NAME"


def _refused_renewal(error: EasycertError) -> str:
    assert isinstance(error, RenewalRefused)
    if "was revoked on" in error.reason:
        return "renew it all the same with --force, or make one anew"
    if "renew the CA first" in error.reason:
        return "easycert renew CA"
    return "renew it where that CA is, or make one anew: easycert host NAME --signas CA --force"


def _unreachable(error: EasycertError) -> str:
    assert isinstance(error, CannotConnect)
    if "does not speak TLS" in error.reason:
        return "if it begins in the clear, say how with --starttls"
    if "unrecognized_name" in error.reason:
        return "ask for a name that it serves with --servername NAME"
    return ""


_INSTALL_LMDB = (
    "pip install 'easycert[lmdb]' (or, as it was installed: pipx inject easycert lmdb, "
    "uv tool install 'easycert[lmdb]'), or leave its directory out with --skipdirs"
)

_ADVICE: tuple[tuple[type[EasycertError], Callable[[EasycertError], str]], ...] = (
    (DestinationExists, lambda _: "choose another DST (backup fills in a {date}), or move what is there away"),
    (AlreadyExists, _already_exists),
    (MissingAuthority, _missing_authority),
    (AmbiguousIssuer, lambda _: "say which with --signas"),
    (AmbiguousName, _ambiguous),
    (NotFound, _not_found),
    (InvalidName, _invalid_name),
    (NothingToTrust, lambda _: "make a CA with: easycert ca NAME; or say where one is with --certdir DIR"),
    (StoreBusy, _busy),
    (UnsafeDirectory, _unsafe),
    (LedgerUnusable, _ledger),
    (HalfWritten, lambda _: "mend the cause and run the same command again; what reads them may fail until then"),
    (IncompleteChain, lambda _: "bring it in with: easycert import FILE --kind ca"),
    (StoreFailure, lambda _: "nothing was changed; mend the cause and run the same command again"),
    (EncryptedKey, lambda _: "give the passphrase with --passphrase-file FILE or EASYCERT_PASSPHRASE"),
    (KeyMismatch, lambda _: "look at both with: easycert show FILE"),
    (WeakKey, lambda _: "make a new one, for example with: easycert csr host NAME"),
    (RequestRefused, _refused_request),
    (NotPermitted, lambda _: "sign with a CA whose constraints allow the name, or leave the name out"),
    (IssuerUnusable, lambda _: "sign with another CA; easycert tree shows which there are"),
    (SelfSigned, lambda _: "take it out of every place where it is trusted, and put another there"),
    (RenewalRefused, _refused_renewal),
    (HookFailed, lambda _: "mend it and run it by hand: what was renewed is not due again"),
    (SignerUnfit, lambda _: "make a new one with: easycert ocsp-signer --signas CA --force"),
    (CannotConnect, _unreachable),
    (LmdbMissing, lambda _: _INSTALL_LMDB),
    (BackupDamaged, lambda _: "see all that differs with: easycert backup --verify BACKUP"),
    (WrongIssuer, lambda _: "easycert show NAME tells who did"),
)
