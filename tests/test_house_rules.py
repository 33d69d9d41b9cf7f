"""The rules of this house that no linter knows: sizes, what hooks may import, one version, honest errors."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rune

ROOT = Path(__file__).parents[1]
LONGEST_FUNCTION = 40
LONGEST_FILE = 350
SCRIPTS = sorted([*(ROOT / "hooks").glob("*.py"), *(ROOT / "plugin").glob("*.py")])
SHARED = sorted((ROOT / "daemon" / "rune" / "redact").glob("*.py"))
"""What hook and daemon both import."""
PRODUCT = sorted([*(ROOT / "daemon").rglob("*.py"), *SCRIPTS])
BARRIERS = {
    ("hooks/emit.py", ""),
    ("hooks/echoes.py", ""),
    ("daemon/rune/daemon.py", "_handle"),
    ("daemon/rune/daemon.py", "_work"),
    ("daemon/rune/worker/guard.py", "guarded"),
}
"""Around a hook, around a request, around a job: the only places that catch whatever comes."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_a_function_fits_on_half_a_screen_and_a_file_on_five(path: Path) -> None:
    long = {
        found.name: length
        for found in functions(path)
        if (length := (found.end_lineno or found.lineno) - found.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long, f"{name_of(path)}: at most {LONGEST_FUNCTION} lines a function"
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


def imported(path: Path) -> set[str]:
    """Whole names of imported modules, those in functions and under TYPE_CHECKING too."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", [*SCRIPTS, *SHARED], ids=name_of)
def test_what_runs_under_the_systems_python_imports_the_standard_library_alone(path: Path) -> None:
    ours = ("rune.redact", "_link")
    foreign = {
        name
        for name in imported(path)
        if name not in ours and not name.startswith("rune.redact.")
        and name.split(".")[0] not in sys.stdlib_module_names
    }  # fmt: skip
    assert not foreign


def test_the_package_itself_imports_nothing_so_that_hooks_can_import_a_part_of_it() -> None:
    assert not imported(ROOT / "daemon" / "rune" / "__init__.py")


def test_package_plugin_and_changelog_name_one_version() -> None:
    plugin = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text("utf-8"))
    marketplace = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_text("utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", changelog, re.M)
    assert newest, "CHANGELOG.md: expected a heading such as ## [1.2.3] - 2026-11-20"
    said = {entry["version"] for entry in marketplace["plugins"] if "version" in entry}
    assert said | {plugin["version"], newest[1]} == {rune.__version__}


def test_the_manifest_leaves_hooks_to_discovery() -> None:
    assert "hooks" not in json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text("utf-8"))


def canonical(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_constraint_is_one_exact_version() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line.strip()]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+]+", line)] == []
    names = [canonical(line) for line in lines]
    assert len(names) == len(set(names))


def test_every_dependency_is_pinned() -> None:
    pinned = {canonical(line) for line in (ROOT / "constraints.txt").read_text("utf-8").split()}
    settings = project()
    wanted = [*settings["project"]["dependencies"], *settings["build-system"]["requires"]]
    wanted += [name for extra in settings["project"]["optional-dependencies"].values() for name in extra]
    assert {canonical(name) for name in wanted} - pinned == set()


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_place_on_the_machine_it_was_written_on() -> None:
    places = ("/" + "work/", "/tmp/" + "rune-dev", "/tmp/" + "brief")
    found = [
        f"{name_of(path)}: {place}"
        for path in tracked()
        for place in places
        if place.encode() in path.read_bytes()
    ]
    assert not found


def catches_everything(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in ("Exception", "BaseException"))
        for name in names
    )


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def broad_handlers(path: Path) -> Iterator[str]:
    """The function around each handler that swallows everything; empty for the module itself."""
    whole = tree(path)
    inside = {id(node): found.name for found in functions_of(whole) for node in ast.walk(found)}
    for node in ast.walk(whole):
        if isinstance(node, ast.ExceptHandler) and catches_everything(node) and not raises_again(node):
            yield inside.get(id(node), "")


def functions_of(whole: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(whole) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_everything_is_caught_at_the_three_barriers_alone() -> None:
    found = {(name_of(path), where) for path in PRODUCT for where in broad_handlers(path)}
    assert found == BARRIERS


def test_every_module_but_two_is_kept_from_tensors() -> None:
    contracts = project()["tool"]["importlinter"]["contracts"]
    [named] = [c["source_modules"] for c in contracts if c["name"].startswith("Tensors live in")]
    assert {name.removeprefix("rune.") for name in named} == (modules() | {"testing"}) - {"ml", "bench"}


def modules() -> set[str]:
    package = ROOT / "daemon" / "rune"
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    return ({path.stem for path in package.glob("*.py")} | folders) - {"__init__", "__main__", "testing"}


def test_the_layers_name_every_module() -> None:
    """import-linter insists on that too; this says it without building the graph."""
    [layers] = [c for c in project()["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    placed = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    assert modules() == placed
