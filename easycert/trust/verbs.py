"""The three verbs, for any store: what is done, what is left alone because it is not ours, and how that is told.

A certificate that easycert did not put into a store is never changed nor removed; what decides is
:func:`~easycert.trust.labels.is_ours`. What was done is looked at again before it is called done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum

from cryptography import x509

from easycert.errors import TrustStoreUnusable, printable
from easycert.model import Value
from easycert.pki.certificates import DECODING_ERRORS
from easycert.pki.keys import public_der
from easycert.trust.children import Children
from easycert.trust.labels import is_ours
from easycert.trust.protocol import Anchor, Held, StoreKind, TrustStore
from easycert.trust.steps import ByHand, Step, as_shell, take


class Outcome(Enum):
    """What a verb came to in one store."""

    TRUSTED = "trusted"
    NOT_TRUSTED = "not trusted"
    OLDER = "older one trusted"
    INSTALLED = "installed"
    REPLACED = "replaced"
    ALREADY = "already trusted"
    REMOVED = "removed"
    NOT_THERE = "not there"
    PLANNED = "planned"
    BY_HAND = "by hand"
    NOT_OURS = "not ours"
    NOT_PERMITTED = "not permitted"
    FAILED = "failed"


#: What asked for something and did not get it.
UNDONE = (Outcome.NOT_OURS, Outcome.NOT_PERMITTED, Outcome.FAILED)


class Told(Value):
    """What became of one store: *detail* completes the outcome, *commands* are for a shell, *advice* is a command, too.

    *counts* is false for what was only mentioned, and decides no exit code.
    """

    store: StoreKind
    place: str
    outcome: Outcome
    detail: str = ""
    commands: tuple[str, ...] = ()
    advice: str = ""
    counts: bool = True


def status(store: TrustStore, anchor: Anchor) -> Told:
    """Return whether *store* trusts *anchor*, or an older certificate of the same CA."""
    return _guarded(store, lambda: _status(store, anchor))


def install(store: TrustStore, anchor: Anchor, children: Children, *, dry_run: bool = False) -> Told:
    """Have *store* trust *anchor*. An older one of ours with the same key is replaced; one with another key stays."""
    return _guarded(store, lambda: _install(store, anchor, children, dry_run=dry_run))


def remove(store: TrustStore, anchor: Anchor, children: Children, *, dry_run: bool = False) -> Told:
    """Take *anchor* and older certificates of the same CA out of *store*, as far as easycert put them there."""
    return _guarded(store, lambda: _remove(store, anchor, children, dry_run=dry_run))


def _guarded(store: TrustStore, verb: Callable[[], Told]) -> Told:
    try:
        return verb()
    except TrustStoreUnusable as error:
        detail = error.reason if error.place == store.place else str(error)
        return Told(store.kind, store.place, Outcome.FAILED, detail, advice=error.package)


def _status(store: TrustStore, anchor: Anchor) -> Told:
    held = store.status(anchor)
    same = _same(held, anchor)
    trusted = next((item for item in same if item.trusted), None)
    if trusted is not None:
        return Told(store.kind, store.place, Outcome.TRUSTED, _whose(trusted))
    if same:
        return Told(store.kind, store.place, Outcome.NOT_TRUSTED, same[0].reason)
    if any(item.trusted for item in _older(held, anchor)):
        return Told(store.kind, store.place, Outcome.OLDER, "the certificate of this CA has been renewed since")
    return Told(store.kind, store.place, Outcome.NOT_TRUSTED, store.note if store.kind is StoreKind.NODE else "")


def _install(store: TrustStore, anchor: Anchor, children: Children, *, dry_run: bool) -> Told:
    held = store.status(anchor)
    same = _same(held, anchor)
    trusted = next((item for item in same if item.trusted), None)
    if trusted is not None:
        return Told(store.kind, store.place, Outcome.ALREADY, _whose(trusted))
    foreign = next((item for item in held if _is_in_the_way(item, anchor)), None)
    if foreign is not None:
        return Told(store.kind, store.place, Outcome.NOT_OURS, _left(foreign, anchor))
    older = list(_older(held, anchor))
    replaced = [item for item in older if _key(item) == anchor.key]
    steps = [step for item in same for step in store.remove(item)]  # ours, and not in force: once more
    steps += store.install(anchor)
    steps += [step for item in replaced for step in store.remove(item)]
    try:
        told = _unless_done(store, steps, children, dry_run=dry_run)
    except TrustStoreUnusable:
        if not replaced and _trusts(store, anchor):  # somebody was faster
            return Told(store.kind, store.place, Outcome.ALREADY)
        raise
    if told is not None:
        return told
    if not _trusts(store, anchor):
        return Told(store.kind, store.place, Outcome.FAILED, "the store does not trust it, though every step succeeded")
    outcome = Outcome.REPLACED if replaced else Outcome.INSTALLED
    return Told(store.kind, store.place, outcome, _beside(len(older) - len(replaced), store.note))


def _remove(store: TrustStore, anchor: Anchor, children: Children, *, dry_run: bool) -> Told:
    held = store.status(anchor)
    same = _same(held, anchor)
    ours = [item for item in same if is_ours(item.label, item.der)]
    older = list(_older(held, anchor))
    foreign = [item for item in same if item not in ours]
    if not ours and not older:
        if foreign:
            return Told(store.kind, store.place, Outcome.NOT_OURS, _left(foreign[0], anchor))
        return Told(store.kind, store.place, Outcome.NOT_THERE)
    steps = [step for item in (*ours, *older) for step in store.remove(item)]
    told = _unless_done(store, steps, children, dry_run=dry_run)
    if told is not None:
        return told
    left = [item for item in store.status(anchor) if item.der == anchor.der or item in older]
    if any(is_ours(item.label, item.der) for item in left):
        return Told(store.kind, store.place, Outcome.FAILED, "the store still has it, though every step succeeded")
    if left:
        return Told(store.kind, store.place, Outcome.NOT_OURS, f"ours was removed; {_left(left[0], anchor)}")
    return Told(store.kind, store.place, Outcome.REMOVED, store.note)


def _unless_done(store: TrustStore, steps: Sequence[Step], children: Children, *, dry_run: bool) -> Told | None:
    """Take *steps*; or say why not, with the commands that take them."""
    by_hand = any(isinstance(step, ByHand) for step in steps)
    permitted = by_hand or store.writable()
    commands = tuple(as_shell(step, sudo=not permitted) for step in steps)
    if by_hand:
        return Told(store.kind, store.place, Outcome.BY_HAND, store.note, commands)
    if dry_run:
        return Told(store.kind, store.place, Outcome.PLANNED, "", commands)
    if not permitted:
        return Told(store.kind, store.place, Outcome.NOT_PERMITTED, "this user may not change it", commands)
    take(steps, store.place, children)
    return None


# --- whose is it -----------------------------------------------------------------------------------------------------


def _trusts(store: TrustStore, anchor: Anchor) -> bool:
    return any(item.trusted for item in _same(store.status(anchor), anchor))


def _same(held: Sequence[Held], anchor: Anchor) -> list[Held]:
    return [item for item in held if item.der == anchor.der]


def _older(held: Sequence[Held], anchor: Anchor) -> Iterator[Held]:
    """Yield what easycert put there for the same CA, by its subject, before its certificate was another."""
    for item in held:
        if item.der != anchor.der and is_ours(item.label, item.der):
            certificate = _certificate(item)
            if certificate is not None and certificate.subject.public_bytes() == anchor.subject:
                yield item


def _is_in_the_way(item: Held, anchor: Anchor) -> bool:
    """Return whether *item* has our label or our certificate, and is not ours."""
    ours = is_ours(item.label, item.der)
    return not ours and (item.der == anchor.der or item.label.lower().startswith(anchor.label))


def _certificate(item: Held) -> x509.Certificate | None:
    try:
        certificate = x509.load_der_x509_certificate(item.der)
        certificate.subject.public_bytes()
    except DECODING_ERRORS:
        return None
    return certificate


def _key(item: Held) -> bytes | None:
    certificate = _certificate(item)
    try:
        return None if certificate is None else public_der(certificate.public_key())  # type: ignore[arg-type]
    except DECODING_ERRORS:
        return None


def _whose(item: Held) -> str:
    if is_ours(item.label, item.der):
        return ""
    return f"not by easycert, but as {_quoted(item.label)}" if item.label else "not by easycert"


def _left(item: Held, anchor: Anchor) -> str:
    what = "the same certificate" if item.der == anchor.der else "another certificate"
    entry = f"{what} is there as {_quoted(item.label)}" if item.label else f"{what} is there"
    return f"{entry}, which easycert did not put there, and leaves alone"


def _quoted(label: str) -> str:
    return f"'{printable(label)}'"


def _beside(count: int, note: str) -> str:
    kept = (
        f"{'an older one' if count == 1 else f'{count} older ones'} with another key still trusted, too"
        if count
        else ""
    )
    return "; ".join(part for part in (kept, note) if part)
