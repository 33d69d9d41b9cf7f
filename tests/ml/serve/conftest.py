"""Small random adapters as PEFT writes them, and a way to run requests to their end."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import rune.ml  # noqa: F401  before torch
from rune.config import EngineConfig
from rune.ml.base import Base
from rune.ml.serve import packed
from rune.ml.serve.runner import Runner
from rune.serving.types import GenerateRequest, Part, Sampling, TokenEvent

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
KINDS = {
    "small": (4, ALL), "wide": (16, ALL), "down": (8, ("down_proj",)), "attention": (3, ("q_proj", "v_proj")),
}  # fmt: skip
"""Rank and target modules."""


@contextmanager
def quiet() -> Iterator[None]:
    """PEFT asks transformers for something that is deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        yield


def write_adapter(
    plain, folder: Path, rank: int = 8, targets: Sequence[str] = ALL, seed: int = 0, size=0.3, **more
) -> Part:
    """An adapter that PEFT itself made and saved, with B of random numbers."""
    import torch
    from peft import LoraConfig, get_peft_model

    settings = {"lora_alpha": 2 * rank, **more}
    torch.manual_seed(seed)
    with quiet():
        made = get_peft_model(plain(), LoraConfig(r=rank, target_modules=list(targets), **settings))
    random = torch.Generator().manual_seed(seed)
    for name, tensor in made.named_parameters():
        if "lora_B" in name:
            tensor.data = torch.randn(tensor.shape, generator=random) * size / rank
    made.save_pretrained(str(folder))
    return Part(packed.digest_of(folder), str(folder))


@pytest.fixture
def adapter(plain, tmp_path: Path) -> Callable[..., Part]:
    """``adapter(name, rank=..., targets=..., seed=...)``."""
    return lambda name, **how: write_adapter(plain, tmp_path / "adapters" / name, **how)


@pytest.fixture
def kinds(adapter) -> dict[str, Part]:
    """Adapters of different ranks and modules."""
    return {
        name: adapter(name, rank=rank, targets=targets, seed=number)
        for number, (name, (rank, targets)) in enumerate(KINDS.items())
    }


@pytest.fixture
def make(tiny: Base):
    """``make(rows=..., ...)``: a runner on the tiny base; closed at the end: the base is as it was."""
    made = []

    def runner(base: Base = tiny, **settings) -> Runner:
        made.append(Runner(base, EngineConfig(**settings)))
        return made[-1]

    yield runner
    for one in made:
        one.close()
    assert all(layer.port is None for layer in tiny.layers.values())


def ask(id: str, prompt: str, *parts: Part, client: str = "", **sampling) -> GenerateRequest:
    return GenerateRequest(id, prompt, parts, Sampling(**{"max_tokens": 16, **sampling}), client)


def run(runner: Runner, *requests: GenerateRequest) -> dict[str, str]:
    """Submit all, step to the end; the text of each."""
    for request in requests:
        runner.submit(request)
    return texts(drained(runner))


def drained(runner: Runner) -> list[TokenEvent]:
    events = []
    while runner.busy:
        events += runner.step()
    return events


def texts(events: Sequence[TokenEvent]) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in events:
        found[event.id] = found.get(event.id, "") + event.text
    return found
