"""The documents name everything there is; links and commands work; figures are the measured ones."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from rune import config
from rune.bench import figures
from rune.cli import main

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HANDBOOK = (ROOT / "docs" / "handbook.md").read_text("utf-8")
FORMATS = (ROOT / "docs" / "formats.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
TOOLS = json.loads((ROOT / "plugin" / "tools.json").read_text("utf-8"))
PACKAGE = ROOT / "daemon" / "rune"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands(group: click.Group = main, name: str = "rune") -> Iterator[tuple[str, click.Command]]:
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


@pytest.mark.parametrize(("name", "command"), [pytest.param(n, c, id=n) for n, c in commands()])
def test_every_command_and_option_is_in_the_handbook(name: str, command: click.Command) -> None:
    assert f"`{name}`" in HANDBOOK
    start = HANDBOOK.index(f"`{name}`")
    section = HANDBOOK[start : HANDBOOK.index("\n\n", start)]
    options = [p for p in command.params if isinstance(p, click.Option)]
    flags = [flag for option in options for flag in (*option.opts, *option.secondary_opts)]
    assert [flag for flag in flags if f"`{flag}`" not in section] == []


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool["name"]))
def test_every_tool_and_what_it_takes_is_in_the_handbook(tool: dict[str, Any]) -> None:
    section = HANDBOOK.split(f"### `{tool['name']}`")[1].split("###")[0]
    assert [name for name in tool["inputSchema"]["properties"] if f"`{name}`" not in section] == []


def test_every_setting_is_in_the_handbook_with_its_default(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", HANDBOOK, re.S)
    assert found
    path = tmp_path / "config.toml"
    path.write_text(found[1], "utf-8")
    assert config.load(path) == config.Config(), "docs/handbook.md#settings and rune.config differ"
    named = set(re.findall(r"^(\w+) = ", found[1], re.M))
    parts = [field.default_factory for field in dataclasses.fields(config.Config)]
    fields = {f.name for part in parts if callable(part) for f in dataclasses.fields(part())}  # type: ignore[arg-type]
    assert named == fields


@pytest.mark.parametrize("event", json.loads((ROOT / "hooks" / "hooks.json").read_text("utf-8"))["hooks"])
def test_every_hook_event_is_in_the_handbook(event: str) -> None:
    assert f"| `{event}` |" in HANDBOOK


@pytest.mark.parametrize("path", sorted((PACKAGE / "records").glob("[!_]*.py")), ids=name_of)
def test_every_record_is_among_the_formats(path: Path) -> None:
    assert f"`rune.records.{path.stem}`" in FORMATS


def modules() -> list[str]:
    files = [path.stem for path in PACKAGE.glob("[!_]*.py")]
    return sorted([*files, *(path.parent.name for path in PACKAGE.glob("*/__init__.py"))])


@pytest.mark.parametrize("module", modules())
def test_every_module_has_its_line_in_the_architecture(module: str) -> None:
    assert re.search(rf"^\| `{module}` \|", ARCHITECTURE, re.M), f"no line `{module}` in docs/architecture.md"


def anchors(text: str) -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        if not linked.exists() or (anchor and anchor not in anchors(linked.read_text("utf-8"))):
            broken.append(target)
    assert not broken


def typed(text: str) -> Iterator[list[str]]:
    """The rune commands of shell blocks and of inline code that has arguments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    for line in [*lines, *re.findall(r"`(rune [^`\n]+)`", text)]:
        for part in line.partition("   #")[0].split("&&"):
            found = re.match(r"\s*(?:\.venv/bin/)?(rune .*)", part)
            if found and "<" not in found[1]:
                yield shlex.split(found[1])


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_commands_in_documents_exist(path: Path) -> None:
    for words in typed(path.read_text("utf-8")):
        command: click.Command = main
        rest = words[1:]
        while isinstance(command, click.Group) and rest:
            assert rest[0] in command.commands, f"{' '.join(words)}: there is no {rest[0]!r}"
            command, rest = command.commands[rest[0]], rest[1:]
        flags = {flag for p in command.params for flag in [*p.opts, *p.secondary_opts]} | {"--help"}
        assert [word for word in rest if word.startswith("-") and word not in flags] == []


@pytest.mark.parametrize("name", [n for n, _ in commands() if n.startswith("rune bench ")])
def test_make_bench_runs_every_measurement_and_the_results_say_which_file_it_writes(name: str) -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\nbench:")[1].split("\n\n")[0]
    assert f"$(BIN)/{name}" in recipe
    results = (ROOT / "docs" / "results" / "README.md").read_text("utf-8")
    assert re.search(rf"^\| `{name.split()[-1]}\.json` \| `{name}\b", results, re.M)


def test_every_result_file_is_named_where_they_lie() -> None:
    results = ROOT / "docs" / "results"
    told = (results / "README.md").read_text("utf-8")
    assert [path.name for path in results.glob("*.json") if f"`{path.name}`" not in told] == []


@pytest.mark.parametrize("path", figures.documents(), ids=name_of)
def test_figures_are_those_of_the_result_files(path: Path) -> None:
    text = path.read_text("utf-8")
    assert figures.filled(text, ROOT / "docs" / "results") == text, "run `make figures`"


def test_a_figure_comes_from_its_file_and_says_so_where_there_is_none(tmp_path: Path) -> None:
    text = "<!-- fig:x.right -->?<!-- /fig --> of <!-- fig:x.machine.cores -->?<!-- /fig -->"
    assert figures.filled(text, tmp_path).count(figures.UNKNOWN) == 2
    (tmp_path / "x.json").write_text(json.dumps({"summary": {"right": 3}, "machine": {"cores": 8}}), "utf-8")
    assert ">3<" in figures.filled(text, tmp_path)
    assert ">8<" in figures.filled(text, tmp_path)


def test_a_figure_that_its_file_lacks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"summary": {}}', "utf-8")
    with pytest.raises(figures.FormatError, match="'wrong'"):
        figures.filled("<!-- fig:x.wrong -->?<!-- /fig -->", tmp_path)
