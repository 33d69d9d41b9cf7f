"""The frozen base model: loaded once, instrumented for adapters, never changed.

Prompts are the question and nothing else, in the ChatML form that SmolLM2 was tuned on, without a system
turn: a system turn would cost every training example twenty tokens and teach nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer
from transformers.utils import logging as progress

from rune.config import ModelConfig
from rune.errors import NotSetUp
from rune.ml import lora, quantize
from rune.paths import Home
from rune.records import model

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Base:
    """A frozen causal language model with LoRA sockets on its linear layers."""

    name: str
    hash: str
    """What adapters are bound to: ``quantize.bound``."""
    model: Any
    """A transformers model; the folder decides of which class."""
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    layers: dict[str, lora.LoraLinear]
    """Every linear layer that can carry an adapter, by its name in the model."""
    backend: quantize.Backend = quantize.PLAIN
    """How the weights are kept; training asks it for an optimizer."""

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Token ids that end an answer; the first one ends those that are taught."""
        end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")
        marks = (None if end == self.tokenizer.unk_token_id else end, self.tokenizer.eos_token_id)
        return tuple(dict.fromkeys(mark for mark in marks if isinstance(mark, int)))

    def prompt(self, question: str) -> list[int]:
        """Token ids of one question, ready for the answer."""
        text = self.rendered([("user", question)])
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def rendered(self, turns: Sequence[tuple[str, str]]) -> str:
        """A conversation of (role, content) as text, ready for the answer; no system turn is added to it."""
        # not get_vocab(): that builds a dictionary of all tokens, 50 ms for every question
        if self.tokenizer.convert_tokens_to_ids("<|im_start|>") not in (None, self.tokenizer.unk_token_id):
            told = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in turns)
            return f"{told}<|im_start|>assistant\n"
        said = [{"role": role, "content": content} for role, content in turns]
        return str(self.tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True))

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))


def resident(home: Home, config: ModelConfig) -> Base:
    """Load the base model that a home is configured for.

    Raises:
        NotSetUp: there is none yet.
        QuantizeError, ConfigError: as ``load``.
    """
    folder = model.locate(home, config.base)
    return load(folder, model.base_hash(folder, home), config)


def load(folder: Path, base_hash: str, config: ModelConfig) -> Base:
    """Load a base model from a local folder; nothing is fetched.

    Raises:
        NotSetUp: there is no model in the folder.
        QuantizeError: this machine cannot keep it in the configured way.
        ConfigError: there is no such way.
    """
    if not (folder / "config.json").exists():
        raise NotSetUp(f"no base model in {folder}; run `rune setup`")
    progress.disable_progress_bar()
    backend = quantize.backend(config.quantize)
    device = quantize.device_of(config.device)
    dtype = backend.dtype(config.precision, device)
    if config.threads:
        torch.set_num_threads(config.threads)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    loaded = backend.load(folder, dtype, device)
    layers, bound = lora.instrument(loaded), quantize.bound(base_hash, backend)
    return Base(folder.name, bound, loaded, tokenizer, device, dtype, layers, backend)
