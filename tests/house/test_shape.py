"""The shape budget: what scripts/shape.py finds, and what it lets pass."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "shape.py"


@pytest.fixture(scope="module")
def shape() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shape", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def findings(shape: ModuleType, root: Path, **files: str) -> list[str]:
    """Return what is found in a package of these files; ``a__b`` stands for ``a/b.py``."""
    package = root / "house"
    for name, text in files.items():
        path = package / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [finding.what for finding in shape.check(shape.read([package]))]


def test_a_module_of_400_lines_is_within_budget(shape: ModuleType, tmp_path: Path) -> None:
    assert findings(shape, tmp_path, long="x = 1\n" * 400) == []


def test_a_module_of_401_lines_is_over(shape: ModuleType, tmp_path: Path) -> None:
    assert findings(shape, tmp_path, long="x = 1\n" * 401) == ["the module has 401 lines, more than 400"]


@pytest.mark.parametrize(("body", "found"), [(59, []), (60, ["f() has 61 lines, more than 60"])])
def test_a_function_may_have_60_lines_its_def_included(
    shape: ModuleType, tmp_path: Path, body: int, found: list[str]
) -> None:
    assert findings(shape, tmp_path, m="def f():\n" + "    x = 1\n" * body) == found


def test_a_function_inside_a_function_is_measured_too(shape: ModuleType, tmp_path: Path) -> None:
    inner = "def f():\n    def g(a, b, c, d, e, f, g): ...\n"
    assert [what.split()[0] for what in findings(shape, tmp_path, m=inner)] == ["g()"]


@pytest.mark.parametrize(
    "signature",
    [
        "def f(a, b, c, d, e, f): ...",
        "def f(a, b, /, c, d, *, e, f): ...",
        "class C:\n    def f(self, a, b, c, d, e, f): ...",
        "class C:\n    @classmethod\n    def f(cls, a, b, c, d, e, f): ...",
        "class C:\n    @staticmethod\n    def f(a, b, c, d, e, f): ...",
        "class C:\n    async def f(self, a, b, c, d, e, f): ...",
    ],
)
def test_six_parameters_are_within_budget(shape: ModuleType, tmp_path: Path, signature: str) -> None:
    assert findings(shape, tmp_path, m=signature) == []


@pytest.mark.parametrize(
    "signature",
    [
        "def f(a, b, c, d, e, f, g): ...",
        "def f(a, b, /, c, d, *, e, f, g): ...",
        "def f(a, b, c, d, e, *f, **g): ...",
        "class C:\n    def f(self, a, b, c, d, e, f, g): ...",
        "class C:\n    @staticmethod\n    def f(a, b, c, d, e, f, g): ...",
    ],
)
def test_seven_parameters_are_over(shape: ModuleType, tmp_path: Path, signature: str) -> None:
    assert [what.split(":")[0] for what in findings(shape, tmp_path, m=signature)] == [
        "f() takes 7 parameters, more than 6"
    ]


def test_the_options_of_a_command_are_not_parameters(shape: ModuleType, tmp_path: Path) -> None:
    assert findings(shape, tmp_path, cli__commands__issue="def host(a, b, c, d, e, f, g): ...") == []


def test_a_private_function_beside_a_command_has_parameters(shape: ModuleType, tmp_path: Path) -> None:
    assert findings(shape, tmp_path, cli__commands__issue="def _host(a, b, c, d, e, f, g): ...") != []


def test_a_cycle_is_found_and_named(shape: ModuleType, tmp_path: Path) -> None:
    found = findings(shape, tmp_path, a="import house.b", b="from house import c", c="from house.a import x")
    assert found == ["import cycle: house.a -> house.b -> house.c -> house.a"]


def test_an_import_inside_a_function_still_makes_a_cycle(shape: ModuleType, tmp_path: Path) -> None:
    found = findings(shape, tmp_path, a="def f():\n    import house.b", b="import house.a")
    assert found == ["import cycle: house.a -> house.b -> house.a"]


def test_two_separate_cycles_are_both_found(shape: ModuleType, tmp_path: Path) -> None:
    found = findings(
        shape, tmp_path, a="import house.b", b="import house.a", c="import house.d", d="import house.c, house.a"
    )
    assert len(found) == 2


def test_what_only_type_checkers_import_makes_no_cycle(shape: ModuleType, tmp_path: Path) -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.b"
    assert findings(shape, tmp_path, a=typed, b="import house.a") == []


def test_a_package_may_import_its_own_modules(shape: ModuleType, tmp_path: Path) -> None:
    assert findings(shape, tmp_path, __init__="from house.a import x", a="x = 1") == []


def test_the_exit_code_says_whether_anything_was_found(
    shape: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = tmp_path / "m.py"
    module.write_text("x = 1\n")
    assert shape.main([str(module)]) == 0
    module.write_text("x = 1\n" * 500)
    assert shape.main([str(module)]) == 1
    assert f"{module}:1: the module has 500 lines" in capsys.readouterr().out
