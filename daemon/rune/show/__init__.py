"""What this project remembers, read from files alone: no daemon, no model, no index is needed."""

from rune.show.overview import Overview, collect
from rune.show.text import render, to_json

__all__ = ["Overview", "collect", "render", "to_json"]
