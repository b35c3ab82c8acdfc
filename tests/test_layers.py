"""The house keeps its shape: who imports whom, no cycles, sizes, and what start-up loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dedup"

pytestmark = pytest.mark.skipif(
    not PACKAGE.is_dir(), reason="the source tree is not here: an installed wheel is tested"
)

LAYERS = [
    {"errors", "model", "config", "curve"},
    {"kernels", "spill"},
    {"formats", "backends", "publish", "log"},
    {"align"},
    {"ledger"},
    {"stages"},
    {"among", "candidates", "learning", "renewal", "sparing"},
    {"matching"},
    {"desk", "repeating", "staying"},
    {"showing"},
    {"pipeline"},
    {"memory", "saved"},
    {"tuning"},
    {"files", "pairing"},
    {"api", "planning"},
    {"terminal"},
    {"cli"},
    {"__main__"},
]
"""From the bottom up; a module imports its own layer or a lower one."""

APART = {"formats", "backends", "publish"}
"""Siblings of one layer that do not know each other."""

ONLY = {"click": {"cli", "terminal"}, "rich": {"terminal"}, "datasketch": {"api"}}


@cache
def modules() -> dict[str, ast.Module]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def imports(tree: ast.AST) -> set[str]:
    """Modules that are imported; `from package import module` is an import of the module alone."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_module(name) else node.module for name in inner}
    return found


@cache
def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file() or path.with_suffix(".pyi").is_file()


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def layer(module: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if room(module) in names)


def test_every_room_has_a_layer() -> None:
    rooms = {room(module) for module in modules()} - {""}
    assert rooms == set().union(*LAYERS)


def test_imports_go_down() -> None:
    wrong = []
    for module, tree in modules().items():
        if module == "dedup":
            continue
        for name in imports(tree):
            if not name.startswith("dedup."):
                continue
            if layer(name) > layer(module) or (room(name) != room(module) and {room(name), room(module)} <= APART):
                wrong.append(f"{module} -> {name}")
    assert wrong == []


def test_stages_do_not_know_each_other() -> None:
    wrong = [
        f"{module} -> {name}"
        for module, tree in modules().items()
        if module.startswith("dedup.stages.")
        for name in imports(tree)
        if name.startswith("dedup.stages")
    ]
    assert wrong == []


def test_there_is_no_import_cycle() -> None:
    known = modules()
    graph = {
        module: {name for name in imports(tree) if name in known and name != module} for module, tree in known.items()
    }
    graph["dedup"] = set()  # loads its names when asked
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"cycle: {' -> '.join((*path, module))}"
        if module not in done:
            for name in sorted(graph[module]):
                visit(name, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("library", ONLY)
def test_libraries_stay_in_their_rooms(library: str) -> None:
    users = {
        room(module)
        for module, tree in modules().items()
        if any(name.split(".")[0] == library for name in imports(tree))
    }
    assert users <= ONLY[library]


def test_modules_and_functions_are_short() -> None:
    long = []
    for module, tree in modules().items():
        path = PACKAGE.joinpath(*module.split(".")[1:])
        lines = len(
            (path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py")
            .read_text("utf-8")
            .splitlines()
        )
        if lines > 400:
            long.append(f"{module}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert node.returns is not None, f"{module}.{node.name} has no return annotation"
                size = (node.end_lineno or 0) - node.lineno + 1
                docstring = ast.get_docstring(node, clean=False)
                size -= docstring.count("\n") + 1 if docstring else 0
                if size > 60:
                    long.append(f"{module}.{node.name}: {size} lines")
    assert long == []


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(out.stdout.split())


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import dedup", {"numpy", "pyarrow", "click", "rich", "datasketch", "scipy"}),
        ("import dedup.cli", {"numpy", "pyarrow", "rich", "datasketch", "scipy"}),
        ("import dedup.api", {"pyarrow", "click", "rich", "datasketch", "scipy"}),
    ],
)
def test_imports_load_nothing_heavy(code: str, heavy: set[str]) -> None:
    assert loaded_by(code) & heavy == set()


def test_the_architecture_page_names_what_is_there() -> None:
    named, folder = set(), ""
    for line in (ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines():
        if entry := re.match(r"( +)([\w/]+(?:\.py|/))\s", line):
            depth, name = len(entry[1]), entry[2]
            folder = "" if depth == 2 else folder
            if name.endswith("/"):
                folder = name
            else:
                named.add(folder + name)
    there = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")}
    assert named == there
