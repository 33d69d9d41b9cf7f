"""What a training run leaves beside its weights: a table of its steps, and a picture of it.

``training.csv`` has one line a logged step; ``training.svg`` draws loss and exact match over contexts seen,
written here by hand, because a plotting library is much for two curves.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

TABLE, PICTURE = "training.csv", "training.svg"
COLUMNS = ("step", "contexts", "seconds", "rate", "loss", "right", "mean_b", "one", "two", "few", "long",
           "order")  # fmt: skip
"""``right`` is the share of exact answers in training since the last line, the last five are held out."""
WIDTH, HEIGHT, EDGE = 640, 320, 44
COLOURS = {"loss": "#888888", "right": "#1f77b4", "one": "#2ca02c", "two": "#d62728", "few": "#9467bd"}

Row = Mapping[str, float]


def append(folder: Path, row: Row) -> None:
    """Add one line to the table; columns that it lacks stay empty."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / TABLE
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def read(folder: Path) -> list[dict[str, float]]:
    """The table's lines; empty fields are left out."""
    path = folder / TABLE
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(text) for name, text in line.items() if text} for line in csv.DictReader(file)]


def keep(folder: Path, step: int) -> None:
    """Drop lines after a step: what a run that was cut off did after its last checkpoint is done again."""
    kept = [line for line in read(folder) if line["step"] <= step]
    (folder / TABLE).unlink(missing_ok=True)
    for line in kept:
        append(folder, line)


def draw(folder: Path) -> None:
    """Draw the table."""
    rows = read(folder)
    most = max((row["contexts"] for row in rows), default=1.0)
    top = max((row.get("loss", 0.0) for row in rows), default=1.0)
    shapes = [_axes(most, top)]
    for place, (name, colour) in enumerate(COLOURS.items()):
        scale = top if name == "loss" else 1.0
        points = [(row["contexts"] / most, row[name] / scale) for row in rows if name in row]
        if points:
            shapes.append(_line(points, colour))
            shapes.append(_text(WIDTH - EDGE - 60, 20 + 14 * place, name, colour))
    body = "\n".join(shapes)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    (folder / PICTURE).write_text(f"{head}\n{body}\n</svg>\n", "utf-8")


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    places = " ".join(f"{_across(x):.1f},{_up(y):.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _axes(most: float, top: float) -> str:
    frame = f"M{EDGE},{_up(1)} V{_up(0)} H{WIDTH - EDGE}"
    labels = [
        _text(4, _up(1) + 4, f"{top:.1f} | 1"), _text(4, _up(0), "0 | 0"),
        _text(WIDTH // 2 - 80, HEIGHT - 8, f"contexts seen, up to {most:,.0f}"),
    ]  # fmt: skip
    return "\n".join([f'<path d="{frame}" fill="none" stroke="black"/>', *labels])


def _text(x: float, y: float, text: str, colour: str = "black") -> str:
    return f'<text x="{x}" y="{y}" font-size="11" fill="{colour}">{text}</text>'


def _across(x: float) -> float:
    return EDGE + x * (WIDTH - 2 * EDGE)


def _up(y: float) -> float:
    return HEIGHT - EDGE / 2 - 8 - y * (HEIGHT - EDGE)
