"""Names and directories cannot break out of a snippet: what was written in is what is read back.

Each syntax is read by a reader of its own: the real one where Python has it, else one written here from its manual.
What the servers themselves read is in ``test_servers.py``.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from easycert.errors import InvalidInput
from easycert.recipes.catalogue import names, recipe
from easycert.recipes.quoting import quoted
from easycert.recipes.rendering import render
from easycert.recipes.snippets import filled, placeholders
from easycert.recipes.values import Quoting, Wanted
from tests.recipes.examples import made_with, material

#: Text as a name or directory can be: all that is printable, and more often what some syntax gives a meaning to.
HOSTILE = st.text(
    st.one_of(
        st.sampled_from("'\"`\\$%#;:,=<>&|{}[]()!*?~^/.- \u2018\u2019\u201c"),
        st.characters(exclude_categories=("C", "Zl", "Zp", "Zs")),
    ),
    min_size=1,
    max_size=20,
)


def double(text: str) -> str:
    """Read a word, or one in double quotation marks in which a backslash escapes, and nothing may follow."""
    if not text.startswith('"'):
        assert not re.search(r"[\s\"';#{}$\\]", text)
        return text
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', text)
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def nginx(text: str) -> str:
    assert "$" not in text
    return double(text)


def apache(text: str) -> str:
    assert "${" not in text
    return double(text)


def caddy(text: str) -> str:
    r"""Only ``\"`` is an escape."""
    assert not re.search(r"[{}]", text)
    if not text.startswith('"'):
        assert not re.search(r"[\s\"`#\\]", text)
        return text
    assert re.fullmatch(r'"(?:[^"\\]|\\")*"', text)
    return text[1:-1].replace('\\"', '"')


def postgresql(text: str) -> str:
    assert re.fullmatch(r"'(?:[^'\\]|''|\\.)*'", text)
    return re.sub(r"''|\\(.)", lambda found: found[1] or "'", text[1:-1])


def powershell(text: str) -> str:
    quotes = "['\u2018\u2019\u201a\u201b]"
    assert re.fullmatch(f"{quotes}(?:(?!{quotes}).|{quotes}{{2}})*{quotes}", text)
    return re.sub(f"({quotes}){quotes}", r"\1", text[1:-1])


def hcl(text: str) -> str:
    assert not re.search(r"[$%]\{", text)
    read = json.loads(text)
    assert isinstance(read, str)
    return read


def every_json(text: str) -> str:
    read = json.loads(text)
    assert yaml.safe_load(text) == read
    assert tomllib.loads(f"value = {text}")["value"] == read
    assert isinstance(read, str)
    return read


def xml(text: str) -> str:
    return ElementTree.fromstring(f"<a b={text}/>").attrib["b"]


def shell(text: str) -> str:
    (word,) = shlex.split(text, comments=True)
    return word


def plain(text: str) -> str:
    assert re.fullmatch(r"[\w./@+-]+", text, re.ASCII)
    return text


READERS: dict[Quoting, Callable[[str], str]] = {
    Quoting.PLAIN: plain,
    Quoting.SHELL: shell,
    Quoting.JSON: every_json,
    Quoting.HCL: hcl,
    Quoting.NGINX: nginx,
    Quoting.APACHE: apache,
    Quoting.CADDY: caddy,
    Quoting.POSTGRESQL: postgresql,
    Quoting.POWERSHELL: powershell,
    Quoting.XML: xml,
    Quoting.WORD: double,
}


@pytest.mark.parametrize("quoting", Quoting)
@given(text=HOSTILE)
def test_what_is_written_is_one_value_and_the_same(quoting: Quoting, text: str) -> None:
    try:
        written = quoted(quoting, "path", text)
    except InvalidInput:
        assert quoting in (Quoting.PLAIN, Quoting.HCL, Quoting.NGINX, Quoting.APACHE, Quoting.CADDY)
        return
    assert READERS[quoting](written) == text


@pytest.mark.parametrize("quoting", Quoting)
def test_a_common_path_is_refused_by_nobody(quoting: Quoting) -> None:
    path = "/etc/ssl/www.example.com_1.pem"
    assert READERS[quoting](quoted(quoting, "path", path)) == path


@pytest.mark.parametrize(
    ("quoting", "text"),
    [
        (Quoting.NGINX, "/etc/$host"),
        (Quoting.APACHE, "/etc/${HOME}"),
        (Quoting.CADDY, "/etc/{$HOME}"),
        (Quoting.CADDY, "/etc/a\\"),
        (Quoting.HCL, "/etc/${a}"),
        (Quoting.HCL, "/etc/%{a}"),
        (Quoting.PLAIN, "/etc/a b"),
        (Quoting.PLAIN, "/etc/#"),
    ],
)
def test_what_a_syntax_cannot_say_is_refused(quoting: Quoting, text: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be written into this program's configuration"):
        quoted(quoting, "directory", text)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x00b", "a\u2028b", "a\x1b[0m", "a\u202eb", "a\x7fb"])
def test_control_and_invisible_characters_are_in_no_snippet(text: str) -> None:
    for quoting in Quoting:
        with pytest.raises(InvalidInput, match="control or invisible"):
            filled("x {name}", {"name": text}, quoting)


def snippet(name: str, *hosts: str) -> str:
    made = made_with("host", *hosts)
    one = material(name="host", certificate=made.certificate, key=made.key)
    return render(recipe(name), one, Wanted("/tls")).snippet


def test_a_server_is_told_all_its_names() -> None:
    hosts = ("www.example.com", "*.example.org", "192.0.2.1", "2001:db8::1")
    assert 'server_name www.example.com *.example.org 192.0.2.1 "[2001:db8::1]";' in snippet("nginx", *hosts)
    assert 'ServerAlias "www.example.com" "*.example.org" "192.0.2.1" "[2001:db8::1]"\n' in snippet("apache", *hosts)
    assert snippet("caddy", *hosts).startswith('www.example.com, "*.example.org", 192.0.2.1, "[2001:db8::1]" {\n')


def test_an_ingress_is_told_the_first() -> None:
    assert '- "www.example.com"\n' in snippet("kubernetes", "www.example.com", "192.0.2.1")


def test_a_certificate_without_hosts_has_the_name_of_its_file() -> None:
    assert "server_name host;" in snippet("nginx", "alice@example.com")


@pytest.mark.parametrize("name", [name for name in names() if recipe(name).snippet])
@given(text=HOSTILE)
@settings(max_examples=20)
def test_whatever_is_written_in_the_lines_around_it_stay(name: str, text: str) -> None:
    of = recipe(name)
    try:
        snippet = filled(of.snippet, dict.fromkeys(placeholders(of.snippet), text), of.quoting)
    except InvalidInput:
        return
    fixed = re.split(r"\{(?:path|file):(?:\{name\})?[^{}\s]+\}|\{[a-z]+\}", of.snippet)
    rest = snippet
    for part in filter(None, fixed):
        before, found, rest = rest.partition(part)
        assert found
        assert "\n" not in before
    assert snippet.count("\n") == of.snippet.count("\n")
