"""The lineage of a project's adapters as an SVG picture: a column for each generation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from rune.evolution import lineage
from rune.evolution.plan import Standing

WIDE, HIGH = 230, 44
ACROSS, DOWN = 300, 56
MARGIN = 20
COLOURS = {
    "active": "#d9f2d9", "unserved": "#f2e6d9", "superseded": "#e6e6e6", "archived": "#e6e6e6",
}  # fmt: skip
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
    'font-family="sans-serif" font-size="11">\n<title>Lineage of the adapters</title>\n'
)


def svg(standings: Sequence[Standing]) -> str:
    """The picture, as text."""
    by_id = {one.id: one for one in standings}
    layers = lineage.layers([one.card for one in standings])
    places = {
        card.id: (MARGIN + ACROSS * column, MARGIN + DOWN * row)
        for column, cards in enumerate(layers)
        for row, card in enumerate(cards)
    }
    width = 2 * MARGIN + ACROSS * max(0, len(layers) - 1) + WIDE
    height = 2 * MARGIN + DOWN * max(map(len, layers), default=1)
    lines = [
        _line(places[one], places[id]) for id, at in by_id.items() for one in at.card.parents if one in places
    ]
    boxes = [_box(by_id[id], *place) for id, place in places.items()]
    return _HEAD.format(w=width, h=height) + "\n".join([*lines, *boxes]) + "\n</svg>\n"


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y, to_x, to_y = start[0] + WIDE, start[1] + HIGH // 2, end[0], end[1] + HIGH // 2
    bend = (x + to_x) // 2
    return f'<path d="M{x},{y} C{bend},{y} {bend},{to_y} {to_x},{to_y}" fill="none" stroke="#888"/>'


def _box(one: Standing, x: int, y: int) -> str:
    fit = "?" if one.fitness.phi is None else f"{one.fitness.phi:.2f}"
    first = f"{one.id[:8]}  {one.card.level}  {one.state.status}  φ {fit}"
    second = f"{one.card.session[:16]}: {one.card.summary[:24]}"
    colour = COLOURS.get(one.state.status, "#ffffff")
    return (
        f"<g><title>{escape(one.id + ': ' + one.card.summary)}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="4" fill="{colour}" stroke="#555"/>'
        f'<text x="{x + 8}" y="{y + 17}">{escape(first)}</text>'
        f'<text x="{x + 8}" y="{y + 34}" fill="#444">{escape(second)}</text></g>'
    )


def tree(standings: Sequence[Standing], id: str = "") -> str:
    """The same as lines of text: each adapter, and below it what it was made of; ``id`` alone where given."""
    by_id: Mapping[str, Standing] = {one.id: one for one in standings}
    parents = {parent for one in standings for parent in one.card.parents}
    roots = [id] if id else [one.id for one in standings if one.id not in parents]
    return "\n".join(line for root in roots for line in _branch(root, by_id, 0))


def _branch(id: str, by_id: Mapping[str, Standing], depth: int) -> list[str]:
    one = by_id.get(id)
    indent = "  " * depth
    if one is None:
        return [f"{indent}{id}  gone"]
    fit = "?" if one.fitness.phi is None else f"{one.fitness.phi:.2f}"
    origin = one.card.session if not one.card.sessions else f"{len(one.card.sessions)} sessions"
    line = f"{indent}{id}  {one.card.level}, {one.state.status}, fitness {fit}, of {origin}"
    return [line, *(more for parent in one.card.parents for more in _branch(parent, by_id, depth + 1))]
