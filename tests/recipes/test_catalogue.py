"""Every recipe there is: what all of them must be."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import easycert.recipes
from easycert.errors import Malformed
from easycert.model import Kind
from easycert.recipes.catalogue import names, recipe
from easycert.recipes.contents import stored_passphrase
from easycert.recipes.rendering import file_names, is_same, render
from easycert.recipes.schema import parse_recipe
from easycert.recipes.snippets import placeholders
from easycert.recipes.values import Format, Group, Part, Plan, Recipe, Secret, Wanted
from tests.recipes.examples import PASSPHRASE, material, material_for, wanted

DATA = Path(easycert.recipes.__file__).with_name("data")
PROJECT = Path(__file__).parents[2]
EACH = pytest.mark.parametrize("name", names())
#: What the issue tracker of any such tool is full of.
EXPECTED = {
    *("nginx", "apache", "haproxy", "envoy", "caddy", "postgresql", "mysql", "redis", "mongodb", "kafka", "rabbitmq"),
    *("nats", "elasticsearch", "kubernetes", "docker", "java", "windows", "macos", "synapse", "synapse-cell"),
    *("pem", "chain", "fullchain", "bundle", "der", "p12", "truststore-p12", "secret", "configmap", "dotenv"),
}


def test_what_was_promised_is_there() -> None:
    assert set(names()) >= EXPECTED


@EACH
def test_a_recipe_makes_its_files(name: str) -> None:
    of = recipe(name)
    made = render(of, material_for(of), wanted(of))
    assert [file.name for file in made.files] == list(file_names(of, material_for(of)))
    assert all(file.data and file.name == Path(file.name).name for file in made.files)


@EACH
def test_a_recipe_is_for_each_kind_that_it_names(name: str) -> None:
    of = recipe(name)
    for kind in of.kinds:
        chain = material().chain if kind is Kind.CA else material(kind).chain
        one = material_for(of)
        changes = {"certificate": one.certificate, "key": one.key} if of.keys else {}
        assert render(of, material(kind, chain=chain, **changes), wanted(of)).files


@EACH
def test_files_are_as_private_as_what_they_hold(name: str) -> None:
    for plan in recipe(name).files:
        secret = Part.KEY in plan.parts or plan.format.is_password
        assert plan.mode == (0o600 if secret else 0o644)


@EACH
def test_a_recipe_says_where_it_has_it_from(name: str) -> None:
    sources = recipe(name).sources
    assert sources
    assert all(source.startswith("https://") for source in sources)


@EACH
def test_a_summary_is_one_line_of_a_table(name: str) -> None:
    summary = recipe(name).summary
    assert len(summary) <= 110
    assert summary.isprintable()
    assert not summary.endswith(".")
    assert "|" not in summary


@EACH
def test_a_snippet_names_every_file_it_brings(name: str) -> None:
    """What is not named has a name that the program looks for by itself, or is read by nothing but a person."""
    of = recipe(name)
    if not of.snippet or name in ("docker-client", "kubernetes", "postgresql-client"):
        return
    named = {place.partition(":")[2] for place in placeholders(of.snippet) if ":" in place}
    assert named == {plan.name for plan in of.files}


@EACH
def test_text_is_told_from_what_is_none(name: str) -> None:
    of = recipe(name)
    files = render(of, material_for(of), wanted(of)).files
    assert of.is_text is all(file.data.isascii() for file in files)


@EACH
def test_made_again_it_is_the_same(name: str) -> None:
    of = recipe(name)
    first, second = (render(of, material_for(of), wanted(of)) for _ in range(2))
    assert all(is_same(of, wanted(of), a, b.data) for a, b in zip(first.files, second.files, strict=True))


@EACH
def test_the_command_is_one_that_a_shell_understands(name: str) -> None:
    of = recipe(name)._replace(snippet="")
    command = render(of, material_for(of), wanted(of, "/it's/in here")).reload
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


def test_formats_have_no_configuration_and_programs_more_than_a_file() -> None:
    for name in names():
        of = recipe(name)
        assert (of.group is Group.FORMAT) is (of.is_single and not of.snippet and of.group is not Group.STORE), name


@pytest.mark.parametrize("name", [name for name in names() if recipe(name).password_file])
@pytest.mark.parametrize("passphrase", [PASSPHRASE, b" a\\b\"c'd$e#f=g: ", "pässwörd \U0001f511".encode()])
def test_the_passphrase_in_its_file_is_the_one_that_was_given(name: str, passphrase: bytes) -> None:
    of = recipe(name)
    made = render(of, material_for(of), Wanted("/etc/tls", passphrase))
    (plan,) = (plan for plan in of.files if plan.format.is_password)
    (file,) = (file for file in made.files if file.name == of.password_file)
    assert stored_passphrase(plan.format, file.data) == passphrase


@pytest.mark.parametrize("passphrase", [b"", b"two\nlines", b"\xff", b"bell\x07"])
def test_a_passphrase_that_no_file_can_hold_is_refused_and_not_shown(passphrase: bytes) -> None:
    with pytest.raises(easycert.errors.InvalidInput, match=r"passphrase '\*\*\*' is not one line"):
        render(recipe("java"), material(), Wanted("/etc/tls", passphrase))


@pytest.mark.parametrize("name", [name for name in names() if recipe(name).secret is not Secret.NONE])
def test_a_passphrase_is_nowhere_but_in_the_file_for_it(name: str) -> None:
    of = recipe(name)
    made = render(of, material_for(of), Wanted("/etc/tls", b"xyzzy-plugh"))
    elsewhere = [file.data for file in made.files if file.name != of.password_file]
    assert b"xyzzy-plugh" not in b"".join([*elsewhere, made.snippet.encode(), made.reload.encode()])


# --- the schema ------------------------------------------------------------------------------------------------------

GOOD = """
summary = "a program"
group = "server"
kinds = ["host"]
snippet = "use {path:a.pem} { not this }"
[[file]]
name = "a.pem"
format = "pem"
mode = "0600"
holds = ["key", "leaf"]
"""


def test_the_smallest_recipe_is_understood() -> None:
    assert parse_recipe("small", GOOD.encode()).needs_key


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("summary =", "sumary =", "the key 'sumary' is not known"),
        ('mode = "0600"', 'mode = "0600"\nowner = "root"', "the key 'owner' is not known"),
        ('kinds = ["host"]\n', "", "the key 'kinds' is missing"),
        ('"host"', '"hosts"', "'hosts' is not a valid Kind"),
        ('"host"', '"ca"', "a CA's private key is not exported"),
        ("{path:a.pem}", "{path:b.pem}", "the placeholder '{path:b.pem}' is not known"),
        ("{path:a.pem}", "{pth}", "the placeholder '{pth}' is not known"),
        ('"0600"', '"0644"', "is secret and its mode lets others at it"),
        ('"0600"', '"0700"', "is secret and its mode lets others at it"),
        ('"0600"', '"600"', "is no mode like 0640"),
        ('"a.pem"', '"../a.pem"', "has an unfit name"),
        ('"a.pem"', '".."', "has an unfit name"),
        ('format = "pem"', 'format = "der"', "is of a format that cannot hold that"),
        ('format = "pem"', 'format = "pkcs12"', "is of a format that cannot hold that"),
        ("kinds =", 'secret = "optional"\nkinds =', "takes a passphrase, and nothing else does"),
        ('format = "pem"', 'format = "dotenv"', "says in the wrong way what it holds"),
        ('["key", "leaf"]', '["leaf", "key"]', "holds a key behind something else"),
        ('["key", "leaf"]', "[]", "says in the wrong way what it holds"),
        ('["key", "leaf"]', '["key", "root"]', "'root' is not a valid Part"),
        ('"a program"', '""', "it has no summary"),
        ('"host"]', '"host"]\nkeys = ["dsa"]', "there is no key type 'dsa'"),
        ('format = "pem"', 'format = "pem-traditional"', "is of a format that cannot hold that"),
        ('"server"', "7", "7 is not a valid Group"),
        ("[[file]]", "[file", "Expected"),
    ],
)
def test_what_a_recipe_must_not_be_is_refused(old: str, new: str, reason: str) -> None:
    assert old in GOOD
    with pytest.raises(Malformed) as refused:
        parse_recipe("bad", GOOD.replace(old, new).replace("{path:a.pem}", "", "../" in new).encode())
    assert reason in str(refused.value)
    assert str(refused.value).startswith("bad.toml is not a recipe: ")


#: Whatever TOML can say.
VALUES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(["pem", "0600", "host", "key", "leaf"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@given(key=st.sampled_from(sorted({*Recipe._fields, "file"})), value=VALUES)
@settings(max_examples=50)
def test_nonsense_in_place_of_any_value_is_refused_in_one_way(key: str, value: object) -> None:
    table = tomllib.loads(GOOD) | {key: value}
    refuses_or_takes(table)


@given(key=st.sampled_from(Plan._fields), value=VALUES)
@settings(max_examples=50)
def test_nonsense_about_a_file_is_refused_in_one_way(key: str, value: object) -> None:
    table = tomllib.loads(GOOD)
    table["file"][0][key] = value
    refuses_or_takes(table)


def refuses_or_takes(table: dict[str, object]) -> None:
    inline = "\n".join(f"{key} = {written(value)}" for key, value in table.items())
    with suppress(Malformed):
        parse_recipe("odd", inline.encode())


def written(value: object) -> str:
    """Return *value* as TOML has it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def test_every_file_of_the_data_is_a_recipe() -> None:
    assert {path.name for path in DATA.iterdir()} == {f"{name}.toml" for name in names()}
    assert all(tomllib.loads(path.read_text())["summary"] for path in DATA.iterdir())


# --- where they are --------------------------------------------------------------------------------------------------


def test_the_wheel_brings_every_recipe() -> None:
    """Hatch takes every file of the package into the wheel but those that its settings or git leave out."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]
    assert settings["build"] == {"targets": {"wheel": {"packages": ["easycert"]}}}
    ignored = subprocess.run(["git", "check-ignore", *DATA.iterdir()], cwd=PROJECT, capture_output=True, check=False)
    assert ignored.stdout == b""


@pytest.mark.parametrize("command", ["import easycert", "import easycert.cli.flags, easycert.cli.commands.issue"])
def test_nothing_of_it_is_loaded_by_who_does_not_export(command: str) -> None:
    script = f"import sys\n{command}\nprint([name for name in sys.modules if name.startswith('easycert.recipes')])"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(shown) == []


def test_passwords_have_one_format_each_way() -> None:
    assert {form for form in Format if form.is_password} == {
        Format.PASSWORD,
        Format.PASSWORD_PROPERTIES,
        Format.JAVA_OPTIONS,
    }
