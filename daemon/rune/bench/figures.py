"""``python -m rune.bench.figures``: bring every measured figure in README and docs in line with docs/results.

A figure stands in the text between two comments that name where it comes from:

    <!-- fig:demo.adapter_correct -->3<!-- /fig -->
    <!-- fig:recall.adapter_bytes MB -->9.8<!-- /fig -->
    <!-- table:demo -->...<!-- /table -->

The name is a result file and a key of its summary, or a dotted path into the whole file
(``demo.machine.processor``). Nobody types a figure by hand: a test compares text and files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rune.bench.results import ROOT
from rune.errors import FormatError

UNKNOWN = "not measured yet"
"""Stands where there is no result file."""
UNITS = {"": 1.0, "bar": 1.0, "MB": 1e6, "%": 0.01}
_FIGURE = re.compile(r"(<!-- fig:(\w+)\.([\w.]+)(?: (\S+))? -->)(.*?)(<!-- /fig -->)", re.S)
_TABLE = re.compile(r"(<!-- table:(\w+) -->)(.*?)(<!-- /table -->)", re.S)


def documents(root: Path = ROOT) -> list[Path]:
    """The files that may quote figures."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def filled(text: str, results: Path) -> str:
    """The text with every figure and table as the result files have it.

    Raises:
        FormatError: a result file lacks a key that the text names.
    """
    text = _FIGURE.sub(lambda m: f"{m[1]}{figure(results, m[2], m[3], m[4] or '')}{m[6]}", text)
    return _TABLE.sub(lambda m: f"{m[1]}\n{TABLES[m[2]](_read(results, m[2]))}\n{m[4]}", text)


def figure(results: Path, name: str, key: str, unit: str = "") -> str:
    """One figure as people read it.

    Raises:
        FormatError: the file has no such key.
    """
    value: Any = _read(results, name)
    if value is None:
        return UNKNOWN
    steps = ["summary", key] if key in value.get("summary", {}) else key.split(".")
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            raise FormatError(f"docs/results/{name}.json: expected {key!r} in it; run the benchmark again")
        value = value[step]
    return UNKNOWN if value is None else plain(value, unit)


def plain(value: object, unit: str = "") -> str:
    """A value with no more digits than it deserves.

    One that stands beside a bar (unit ``bar``) has three, so that rounding does not carry it over.

    >>> plain(3), plain(0.98765), plain(187.25), plain(9_771_234, "MB"), plain(0.625, "%")
    ('3', '0.99', '187', '9.8', '62')
    >>> plain(1.4696), plain(1.4696, "bar")
    ('1.5', '1.47')
    """
    if value is None:  # a stage that has not run
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    scaled = value / UNITS[unit]
    if isinstance(value, int) and not unit:
        return str(value)
    if abs(scaled) >= 20 or unit == "%":
        return f"{scaled:.0f}"
    return f"{scaled:.3g}" if unit == "bar" else f"{scaled:.2g}"


def _read(results: Path, name: str) -> dict[str, Any] | None:
    path = results / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def _demo(result: dict[str, Any] | None) -> str:
    """The demo's answers as they came, the controls' verdicts beside them."""
    if result is None:
        return UNKNOWN
    arms = ("base", "zeroed", "foreign", "adapter")
    lines = ["| Question (in no training set) | Base | Zeroed | Another's | Own adapter | Its answer |"]
    lines += ["|---|---|---|---|---|---|"]
    for row in result["rows"]:
        verdicts = ["right" if row[arm]["correct"] else "wrong" for arm in arms]
        said = row["adapter"]["answer"] or f"(none: {row['abstained']})"
        lines.append("| " + " | ".join([row["question"], *verdicts, _cell(said)]) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:240]


TABLES: dict[str, Callable[[dict[str, Any] | None], str]] = {"demo": _demo}


def main() -> None:
    """Rewrite every document whose figures have moved."""
    for path in documents():
        before = path.read_text("utf-8")
        after = filled(before, ROOT / "docs" / "results")
        if after != before:
            path.write_text(after, "utf-8")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
