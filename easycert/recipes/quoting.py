"""How text is written into the configuration of each program so that it stays one value, whatever it holds.

What a syntax cannot say is refused: a path that a program would read as something else helps nobody. Text with control
or invisible characters, line ends above all, never gets here (:mod:`easycert.recipes.snippets`).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

from easycert.errors import InvalidInput
from easycert.recipes.values import Quoting

#: Characters that mean themselves in every syntax here, bare.
_BARE = re.compile(r"[A-Za-z0-9_./@+-]+")


def quoted(quoting: Quoting, what: str, text: str) -> str:
    """Return *text* as one value of the syntax *quoting*. Raises InvalidInput, which names *what* it is."""
    return _QUOTERS[quoting](what, text)


def _unsayable(what: str, text: str, why: str) -> InvalidInput:
    return InvalidInput(what, text, f"cannot be written into this program's configuration: {why}")


def _plain(what: str, text: str) -> str:
    """Take what needs no quotation marks: the syntax has none that could be relied on."""
    if not _BARE.fullmatch(text):
        raise _unsayable(what, text, "only letters, digits and . _ / @ + - are safe there")
    return text


def _shell(_what: str, text: str) -> str:
    """Write for POSIX shells and HAProxy, whose quotation marks are theirs (configuration manual, 2.2)."""
    return shlex.quote(text)


def _json(_what: str, text: str) -> str:
    """Write JSON, and what reads its strings as they are: YAML 1.2, TOML, JavaScript."""
    return json.dumps(text, ensure_ascii=False)


def _hcl(what: str, text: str) -> str:
    """Write HCL: JSON's strings, in which ``${`` and ``%{`` begin an expression."""
    if re.search(r"[$%]\{", text):
        raise _unsayable(what, text, "HCL would take ${ or %{ for the beginning of an expression")
    return _json(what, text)


def _nginx(what: str, text: str) -> str:
    """Write a word, or one in quotation marks; no way round the variables that ``$`` begins (ngx_conf_file.c)."""
    if "$" in text:
        raise _unsayable(what, text, "nginx would take $ for the beginning of a variable")
    return text if re.fullmatch(r"[A-Za-z0-9_./@+*:-]+", text) else _escaped(text)


def _apache(what: str, text: str) -> str:
    r"""Write quotation marks, in which ``\"`` and ``\\`` are escapes; ``${NAME}`` is replaced wherever it stands."""
    if "${" in text:
        raise _unsayable(what, text, "Apache would take ${ for the beginning of a variable")
    return _escaped(text)


def _caddy(what: str, text: str) -> str:
    r"""Write quotation marks, in which only ``\"`` is an escape; placeholders are in braces (Caddyfile concepts)."""
    if re.search(r"[\\{}]", text):
        raise _unsayable(what, text, "a Caddyfile gives braces and backslashes a meaning of their own")
    return text if _BARE.fullmatch(text) else _escaped(text)


def _word(_what: str, text: str) -> str:
    """Write a word, or one in quotation marks (redis.conf, OpenVPN, .curlrc)."""
    return text if _BARE.fullmatch(text) else _escaped(text)


def _postgresql(_what: str, text: str) -> str:
    """Write single quotation marks, which are doubled; a backslash escapes (postgresql.conf, 20.1.1)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _powershell(_what: str, text: str) -> str:
    """Write single quotation marks, doubled within; typographic ones mean the same (about_Quoting_Rules)."""
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"


def _xml(_what: str, text: str) -> str:
    """Write the value of an XML attribute."""
    from xml.sax.saxutils import quoteattr

    return quoteattr(text)


def _escaped(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_QUOTERS: dict[Quoting, Callable[[str, str], str]] = {
    Quoting.PLAIN: _plain,
    Quoting.SHELL: _shell,
    Quoting.JSON: _json,
    Quoting.HCL: _hcl,
    Quoting.NGINX: _nginx,
    Quoting.APACHE: _apache,
    Quoting.CADDY: _caddy,
    Quoting.POSTGRESQL: _postgresql,
    Quoting.POWERSHELL: _powershell,
    Quoting.XML: _xml,
    Quoting.WORD: _word,
}
