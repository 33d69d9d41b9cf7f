"""Everything that the sizing study takes for granted, by name, so that it can be replaced.

None of it was measured by Rune on a fleet. Prices are round figures of the size that clouds ask in 2026; they
are there to be replaced by those of a contract.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from rune.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Shape:
    """A base model, as far as the size of a LoRA over it goes."""

    name: str
    layers: int
    hidden: int
    inner: int
    keys: int
    """Width of keys and of values."""

    def parameters(self, rank: int) -> int:
        """Of an adapter on all seven linear maps of every layer: rank times (in + out) of each."""
        attention = 2 * (2 * self.hidden) + 2 * (self.hidden + self.keys)
        return self.layers * rank * (attention + 3 * (self.hidden + self.inner))


SHAPES = (
    Shape("SmolLM2-135M", 30, 576, 1536, 192),
    Shape("Qwen2.5-1.5B", 28, 1536, 8960, 256),
    Shape("Qwen2.5-7B", 28, 3584, 18944, 512),
)


@dataclass(frozen=True, slots=True)
class Assumed:
    """The assumptions; each can be given anew as ``--assume name=value``."""

    users: int = 1_000
    adapters: int = 1_000_000
    rank: int = 8
    bytes_per_parameter: int = 2
    """bfloat16, as a fleet would keep them; Rune writes float32 on a CPU, which is 4."""
    shape: int = 1
    """Which base the fleet serves: a place in ``SHAPES``."""
    lessons_per_adapter: float = 12.0
    embedding_bytes: int = 1_536
    """Of one lesson in the search data: 384 float32; the words beside it are not counted."""
    requests_per_user_day: float = 200.0
    """Recalls and endpoint requests of one person who works with an agent all day."""
    peak_over_mean: float = 5.0
    """The busiest minutes over the mean of 24 hours."""
    tokens_per_request: float = 112.0
    """Answers of a recall end there."""
    sessions_at_peak: int = 300
    """Sessions that ask at the same time."""
    stay: float = 0.6
    """Chance that a session's next request goes to the adapter of its last one."""
    exponent: float = 0.8
    """Of Zipf's law; web caches saw 0.64 to 0.83 (Breslau et al., INFOCOM 1999)."""
    slots: int = 64
    """Adapters in a GPU's memory, of one replica."""
    ram_gb: float = 64.0
    """Of a replica's memory for packed adapters."""
    disk_gb: float = 500.0
    """Of a replica's own disk for fetched adapters."""
    replica_tokens: float = 880.0
    """Tokens a second of one GPU under an even mix of a thousand adapters: a figure others published (884,
    vLLM, 2026), not one of ours."""
    utilisation: float = 0.6
    """Of a replica at the peak; the rest is for bursts."""
    least_replicas: int = 2
    """One may be lost."""
    slot_ms: float = 5.0
    """From memory into a slot."""
    disk_gb_second: float = 1.0
    store_ms: float = 40.0
    """Until the first byte of a file of the shared store; there are two files, asked for together."""
    store_gb_second: float = 0.25
    copies: float = 1.0
    """Of the shared store; an object store's own are in its price."""
    price_replica_hour: float = 1.0
    price_store_gb_month: float = 0.023
    price_million_gets: float = 0.4
    hours_month: float = 730.0

    @property
    def adapter_bytes(self) -> int:
        """Of one adapter's weights."""
        return SHAPES[self.shape].parameters(self.rank) * self.bytes_per_parameter


def changed(given: Sequence[str]) -> Assumed:
    """The assumptions with some given anew, each as ``name=value``.

    Raises:
        ConfigError: no such assumption, no number, or a count that is no positive one.

    >>> changed(["users=10"]).users
    10
    """
    known = {field.name: str(field.type) for field in dataclasses.fields(Assumed)}
    values: dict[str, float] = {}
    for one in given:
        name, _, text = one.partition("=")
        if name not in known:
            raise ConfigError(f"--assume: {name!r} is no assumption; known: {', '.join(known)}")
        try:
            values[name] = int(text) if known[name] == "int" else float(text)
        except ValueError:
            raise ConfigError(f"--assume {name}: expected a number, found {text!r}") from None
        if values[name] < 0 or (values[name] == 0 and name not in ("stay", "shape")):
            raise ConfigError(f"--assume {name}: expected a positive number, found {text}")
    made = dataclasses.replace(Assumed(), **values)  # type: ignore[arg-type]  # int where an int is wanted
    if made.shape >= len(SHAPES) or made.stay >= 1:
        raise ConfigError(f"--assume: shape is below {len(SHAPES)} and stay below 1")
    return made
