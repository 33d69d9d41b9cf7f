"""The lineage of a project's adapters as an SVG picture: a column for each generation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from rune.errors import FormatError, NewerVersion
from rune.evolution import lineage
from rune.evolution.actions import Standing
from rune.printable import line

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


def svg(standings: Sequence[Standing], id: str = "") -> str:
    """The picture, as text; of ``id`` and all that it was made of alone, where given."""
    cards = {one.id: one.card for one in standings}
    shown = {id, *lineage.ancestors(cards, id)} if id else cards.keys()
    by_id = {one.id: one for one in standings if one.id in shown}
    layers = lineage.layers([one.card for one in by_id.values()])
    places = {
        card.id: (MARGIN + ACROSS * column, MARGIN + DOWN * row)
        for column, cards in enumerate(layers)
        for row, card in enumerate(cards)
    }
    width = 2 * MARGIN + ACROSS * max(0, len(layers) - 1) + WIDE
    height = 2 * MARGIN + DOWN * max(map(len, layers), default=1)
    lines = [
        _bend(places[one], places[id]) for id, at in by_id.items() for one in at.card.parents if one in places
    ]
    boxes = [_box(by_id[id], *place) for id, place in places.items()]
    return _HEAD.format(w=width, h=height) + "\n".join([*lines, *boxes]) + "\n</svg>\n"


def _bend(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y, to_x, to_y = start[0] + WIDE, start[1] + HIGH // 2, end[0], end[1] + HIGH // 2
    bend = (x + to_x) // 2
    return f'<path d="M{x},{y} C{bend},{y} {bend},{to_y} {to_x},{to_y}" fill="none" stroke="#888"/>'


def _box(one: Standing, x: int, y: int) -> str:
    fit = "?" if one.fitness.phi is None else f"{one.fitness.phi:.2f}"
    first = f"{one.id[:8]}  {one.card.level}  {one.state.status}  φ {fit}"
    summary = line(one.card.summary)
    second = f"{line(one.card.session)[:16]}: {summary[:24]}"
    colour = COLOURS.get(one.state.status, "#ffffff")
    return (
        f"<g><title>{escape(f'{one.id}: {summary}')}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="4" fill="{colour}" stroke="#555"/>'
        f'<text x="{x + 8}" y="{y + 17}">{escape(first)}</text>'
        f'<text x="{x + 8}" y="{y + 34}" fill="#444">{escape(second)}</text></g>'
    )


def tree(
    standings: Sequence[Standing], id: str = "", unreadable: Mapping[str, FormatError] | None = None
) -> str:
    """The same as lines of text: each adapter, and below it what it was made of; ``id`` alone where given.

    Args:
        standings: the adapters that can be read.
        id: whose lineage.
        unreadable: adapters that are there, and what is wrong with their cards.
    """
    by_id: Mapping[str, Standing] = {one.id: one for one in standings}
    parents = {parent for one in standings for parent in one.card.parents}
    roots = [id] if id else [one.id for one in standings if one.id not in parents]
    return "\n".join(each for root in roots for each in _branch(root, by_id, unreadable or {}, 0))


def _branch(
    id: str, by_id: Mapping[str, Standing], unreadable: Mapping[str, FormatError], depth: int
) -> list[str]:
    one = by_id.get(id)
    indent = "  " * depth
    if one is None:
        return [f"{indent}{id}  {_missing(unreadable.get(id))}"]
    fit = "?" if one.fitness.phi is None else f"{one.fitness.phi:.2f}"
    origin = line(one.card.session) if not one.card.sessions else f"{len(one.card.sessions)} sessions"
    own = f"{indent}{id}  {one.card.level}, {one.state.status}, fitness {fit}, of {origin}"
    below = (_branch(parent, by_id, unreadable, depth + 1) for parent in one.card.parents)
    return [own, *(each for branch in below for each in branch)]


def _missing(error: FormatError | None) -> str:
    """Why an adapter is not among those that can be read."""
    if error is None:
        return "gone"
    return "its card is of a newer Rune" if isinstance(error, NewerVersion) else "its card is damaged"
