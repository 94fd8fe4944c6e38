"""Check the shape budget: small modules, small functions, few parameters, no import cycles.

``python scripts/shape.py PATH ...`` prints one line per finding (``file:line: what``) and exits 1 when there is any.
Public docstrings, complexity, ``print`` and exits are ruff's to judge; layers are import-linter's.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

MODULE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 6
#: The parameters of a Typer command are its options: named by a person, never passed by position.
COMMANDS = Path("cli", "commands")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Finding(NamedTuple):
    """One place that is over budget."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        """Return the finding as editors and terminals link it."""
        return f"{self.path}:{self.line}: {self.what}"


class Module(NamedTuple):
    """One parsed source file and its dotted name (``easycert.pki.names``)."""

    name: str
    path: Path
    lines: int
    tree: ast.Module


def read(roots: Iterable[Path]) -> list[Module]:
    """Return the modules below *roots*, each a package directory or a file. Raises OSError and SyntaxError."""
    modules = []
    for root in roots:
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            text = path.read_text(encoding="utf-8")
            name = _dotted(path.relative_to(root.parent))
            modules.append(Module(name, path, len(text.splitlines()), ast.parse(text, str(path))))
    return modules


def _dotted(path: Path) -> str:
    return ".".join(part for part in path.with_suffix("").parts if part != "__init__")


def check(modules: list[Module]) -> list[Finding]:
    """Return everything in *modules* that is over budget, in the order of the files, cycles last."""
    findings = [finding for module in modules for finding in _oversized(module)]
    return findings + list(_cycles(modules))


def _oversized(module: Module) -> Iterator[Finding]:
    if module.lines > MODULE_LINES:
        yield Finding(module.path, 1, f"the module has {module.lines} lines, more than {MODULE_LINES}")
    is_command_file = COMMANDS.parts == module.path.parent.parts[-len(COMMANDS.parts) :]
    for function, in_class in _functions(module.tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            what = f"{function.name}() has {length} lines, more than {FUNCTION_LINES}"
            yield Finding(module.path, function.lineno, what)
        count = _parameters(function, in_class=in_class)
        is_command = is_command_file and not in_class and not function.name.startswith("_")
        if count > PARAMETERS and not is_command:
            what = f"{function.name}() takes {count} parameters, more than {PARAMETERS}: a frozen value says it better"
            yield Finding(module.path, function.lineno, what)


def _functions(tree: ast.AST, *, in_class: bool = False) -> Iterator[tuple[_Function, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Function):
            yield node, in_class
        yield from _functions(node, in_class=isinstance(node, ast.ClassDef))


def _parameters(function: _Function, *, in_class: bool) -> int:
    given = function.args
    named = [*given.posonlyargs, *given.args]
    is_static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in function.decorator_list)
    starred = [argument for argument in (given.vararg, given.kwarg) if argument]
    return len(named) + len(given.kwonlyargs) + len(starred) - bool(in_class and named and not is_static)


def _cycles(modules: list[Module]) -> Iterator[Finding]:
    paths = {module.name: module.path for module in modules}
    graph = {module.name: set(_imports(module, paths)) - {module.name} for module in modules}
    for ring in _rings(graph):
        yield Finding(paths[ring[0]], 1, f"import cycle: {' -> '.join([*ring, ring[0]])}")


def _imports(module: Module, known: Iterable[str]) -> Iterator[str]:
    """Yield the known modules that *module* imports, inside functions too; what only type checkers see is left out."""
    for node in _nodes_at_run_time(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                target = submodule if submodule in known else node.module
                if target in known:
                    yield target


def _nodes_at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes_at_run_time(node)


def _rings(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Yield rings of imports until every module that lies on one has been in one."""
    seen: set[str] = set()
    for start in sorted(graph):
        ring = [] if start in seen else _shortest_ring(graph, start)
        if ring:
            seen.update(ring)
            yield ring


def _shortest_ring(graph: dict[str, set[str]], start: str) -> list[str]:
    """Return the shortest ring of imports through *start*, or an empty list."""
    trails = [[start]]
    visited: set[str] = set()
    while trails:
        trail = trails.pop(0)
        for target in sorted(graph[trail[-1]]):
            if target == start:
                return trail
            if target not in visited:
                visited.add(target)
                trails.append([*trail, target])
    return []


def main(arguments: list[str]) -> int:
    """Print the findings for the paths in *arguments* and return the exit code."""
    modules = read([Path(argument) for argument in arguments])
    findings = check(modules)
    for finding in findings:
        print(finding)
    print(f"{len(modules)} modules, {len(findings)} over budget")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
