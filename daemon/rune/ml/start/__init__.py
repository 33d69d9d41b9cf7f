"""Where training begins: weights that the adapters of many sessions have in common.

An adapter that begins from nothing spends half of its steps on what every session needs, such as to answer
a short question with the literal that it asks for. A start knows that already and nothing of any session
(Reptile: Nichol, Achiam and Schulman 2018, arXiv:1803.02999): in each turn several sessions are learnt from
the start so far, and the mean of what they add to the weights, at the same rank, is the next one
(``rune bench start``).

    start.json  {"v": 1, "base_hash": "<of the base>", "sha256": "<of the weights>", "record": {...}}

Beside it lie the weights, as those of any adapter. A start is for one base, rank and set of layers; whatever
differs in one of them begins from nothing, as before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rune import files
from rune.config import DistilConfig
from rune.errors import FormatError, NewerVersion
from rune.ml import lora, merge
from rune.ml.base import Base
from rune.ml.lora import Adapter, Factors

VERSION = 1
NAME = "start.json"
EMBEDDED = Path(__file__).parent / "embedded"
"""The one that comes with Rune; its README.md says what it was made of."""


@dataclass(frozen=True, slots=True)
class Start:
    """Weights to begin from, and which they are."""

    adapter: Adapter
    name: str
    """The first digits of their hash."""


def fitting(base: Base, config: DistilConfig, folder: Path = EMBEDDED) -> Start | None:
    """The start in a folder, if it is for this base, rank and layers, and if one is wanted at all.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is damaged.
        AdapterError: its weights cannot be read.
    """
    if not config.started_epochs or not (folder / NAME).is_file():
        return None
    about = _about(folder)
    if about["base_hash"] != base.hash:
        return None
    adapter = lora.load(folder, base.device, torch.float32)
    if files.sha256(folder / lora.WEIGHTS) != about["sha256"]:
        raise FormatError(f"{folder / lora.WEIGHTS}: not what {NAME} describes; install Rune anew")
    if not shaped(adapter, config):
        return None
    return Start(scaled(adapter, config.alpha), name(folder))


def shaped(adapter: Adapter, config: DistilConfig) -> bool:
    """Whether an adapter has the rank and the layers that are trained."""
    targets = {name.rpartition(".")[2] for name in adapter.factors}
    return adapter.rank == config.rank and targets == set(config.targets)


def name(folder: Path) -> str:
    """A start's name: the first digits of the hash of its weights.

    Raises:
        NewerVersion, FormatError: as ``fitting``.
    """
    return _about(folder)["sha256"][:12]


def mean(adapters: Sequence[Adapter]) -> Adapter:
    """What several adapters add to the weights on average, as nearly as the rank of one of them can say it.

    Raises:
        AdapterError: there are none.
    """
    return merge.merge("svd", adapters, [1 / max(1, len(adapters))] * len(adapters))


def together(how: str, adapters: Sequence[Adapter], starts: Sequence[str]) -> Adapter:
    """Adapters as one, in a way of ``rune.ml.merge``, holding the embedded start once if any of them does.

    Each that began at it holds it: in a plain sum of many it would drown what they have learnt. Signs are
    elected and entries drawn among what each has learnt beyond it (task vectors: Ilharco et al. 2023,
    arXiv:2212.04089).

    Args:
        how: one of ``merge.WAYS``.
        adapters: at least one.
        starts: for each the name of the start that its training began at; empty where that was nothing.
    """
    own, number = name(EMBEDDED), len(adapters)
    held = [one == own for one in starts]
    times = sum(held)
    share, missing = (1 / number, 1 - times / number) if how == "linear" else (1.0, 1.0 - times)
    exact = how in ("linear", "cat", "svd")
    if not times or (exact and not missing):
        return merge.merge(how, adapters)
    common = lora.load(EMBEDDED, torch.device("cpu"), torch.float32)
    if exact:
        return merge.merge(how, [*adapters, common], [*[share] * number, missing])
    pairs = zip(adapters, held, strict=True)
    learnt = [merge.merge("cat", [one, common], (1.0, -1.0)) if has else one for one, has in pairs]
    rank = max(one.rank for one in adapters)
    return merge.merge("svd", [merge.merge(how, learnt), common], rank=rank)


def within(starts: Sequence[str]) -> str:
    """The name of the start that adapters together hold, of those that they began at; empty: none is known.

    That of another Rune cannot be taken out of a sum, and is counted as something that was learnt.
    """
    own = name(EMBEDDED)
    return own if own in starts else ""


def scaled(adapter: Adapter, alpha: float) -> Adapter:
    """The same weights with another alpha, both factors sharing the difference."""
    share = math.sqrt(adapter.alpha / alpha)
    factors = {name: Factors(part.a * share, part.b * share) for name, part in adapter.factors.items()}
    return Adapter(adapter.rank, alpha, factors)


def write(folder: Path, adapter: Adapter, base: Base, record: dict[str, Any]) -> None:
    """Write a start; its description comes last, so that half a start is none."""
    (folder / NAME).unlink(missing_ok=True)
    lora.save(adapter, folder, base.name)
    digest = files.sha256(folder / lora.WEIGHTS)
    raw = {"v": VERSION, "base_hash": base.hash, "sha256": digest, "record": record}
    files.replace(folder / NAME, json.dumps(raw, indent=1, allow_nan=False).encode() + b"\n")


def _about(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    try:
        raw: dict[str, Any] = json.loads(path.read_bytes())
        version, known = raw["v"], {name: str(raw[name]) for name in ("base_hash", "sha256")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: expected the description of a start, found {error!r}") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
    return known
