"""``explain``: what an error about TLS or certificates means, whichever program printed it."""

# Annotations are not postponed here: Typer needs them as values, and would compile each at every start.

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from easycert.cli import exits
from easycert.cli.options import Habits, Output, argument
from easycert.cli.render import Palette, as_json
from easycert.errors import printable

if TYPE_CHECKING:
    from easycert.workflows.explain import Explained, Explanation

TextArgument = Annotated[
    list[str] | None,
    argument(metavar="[TEXT...]", help="What was printed; without it, or with -, it is read from stdin."),
]
#: More than any log that somebody pastes; the rest is not read.
_READ_MAX = 1 << 22


def explain(text: TextArgument = None, *, habits: Habits) -> None:
    """Explain an error about TLS or certificates: what happened, by which rule, and which commands mend it.

    It knows what OpenSSL, Python, Go, Java, Node, Rust, .NET, GnuTLS, browsers, curl, wget, git, common servers and
    Synapse print. It exits 1 when it knows nothing in the text.
    """
    from easycert.workflows.explain import explain as explain_text

    given = _read(habits) if text in (None, ["-"]) else " ".join(text or ())
    found = explain_text(habits.open(), given)
    if habits.output is Output.JSON:
        print(as_json("explanation", found))
    elif not habits.quiet and found.causes:
        for line in _lines(found, Palette.of(sys.stdout)):
            print(line)
    if not found.causes:
        if habits.output is Output.TEXT:
            print("error: nothing in this text is known, and no guess is made", file=sys.stderr)
            print(f"hint: {_hint(found)}", file=sys.stderr)
        raise typer.Exit(exits.FAILED)


def _read(habits: Habits) -> str:
    if sys.stdin.isatty():
        habits.say("paste the text, then end it with Ctrl-D")
    return sys.stdin.buffer.read(_READ_MAX).decode("utf-8", "replace")


def _hint(found: "Explanation") -> str:
    place = f"{found.host}:{found.port or 443}" if found.host else "HOST:PORT"
    return f"ask the server itself with: easycert probe {printable(place)}"


def _lines(found: "Explanation", palette: Palette) -> Iterator[str]:
    first, *others = found.causes
    yield from _cause_lines(first, palette)
    if found.host:
        here = f" (here: host {found.name})" if found.name else ""
        yield f"  host: {found.host}{f' port {found.port}' if found.port else ''}{here}"
    yield from _fix_lines(first)
    for other in others:
        yield from _cause_lines(other, palette, also=True)


def _cause_lines(cause: "Explained", palette: Palette, *, also: bool = False) -> Iterator[str]:
    yield f"{'also ' if also else ''}{palette.paint(cause.cause, 'bold')}: {cause.what} [{cause.section}]"
    yield f"  said by {cause.program}: {cause.words}"


def _fix_lines(cause: "Explained") -> Iterator[str]:
    width = max((len(fix.command or "") for fix in cause.fixes), default=0)
    for number, fix in enumerate(cause.fixes):
        mark = "fix:" if not number else "or: "
        yield f"  {mark} {fix.command:<{width}}  # {fix.why}" if fix.command else f"  {mark} {fix.why}"
