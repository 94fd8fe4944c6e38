"""The zoo's specimens, shown to the clients that judge doctor's cases; and what each of them says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from easycert.model import Kind
from easycert.testing.breeding import Role
from easycert.testing.zoo import Specimen
from tests.doctor.cases import Case, Chain
from tests.doctor.clients import Ask, Question
from tests.doctor.presenter import Presenter


def ask(
    client: Ask, specimens: Iterable[Specimen], folder: Path, presenter: Presenter, need: Callable[[str], str]
) -> dict[str, str]:
    """Return what *client* says to each of *specimens*: nothing to one that it accepts."""
    (folder / "asked").mkdir()
    questions = [_question(specimen, folder / "asked" / specimen.name, presenter) for specimen in specimens]
    return client(questions, folder, need)


def _question(specimen: Specimen, place: Path, presenter: Presenter) -> Question:
    place.mkdir()
    chain = specimen.chain
    sent = b"".join(made.pem for made in chain.sent)
    files = {"leaf": chain.leaf.pem, "sent": sent, "roots": specimen.trust_pem, "chain": specimen.pem}
    for name, data in {**files, "key": specimen.key_pem}.items():
        (place / f"{name}.pem").write_bytes(data)
    (place / "name").write_text(specimen.hostname, encoding="utf-8")
    is_server = specimen.species.role is Role.SERVER
    served = presenter.present(place / "chain.pem", place / "key.pem") if is_server else None
    if served is not None:
        (place / "port").write_text(str(served.port), encoding="ascii")
    kind = Kind.HOST if is_server else Kind.USER
    shown = Chain(chain.leaf, chain.sent, chain.roots, chain.hostname)
    return Question(Case(specimen.name, frozenset(), lambda _at, _name: shown, kind), shown, place, served)
