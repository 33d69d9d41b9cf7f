"""The frozen base model: loaded once, instrumented for adapters, never changed.

Prompts are the question and nothing else, in the ChatML form that SmolLM2 was tuned on, without a system
turn: a system turn would cost every training example twenty tokens and teach nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as progress

from rune.config import ModelConfig
from rune.errors import NotSetUp
from rune.ml import lora

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Base:
    """A frozen causal language model with LoRA sockets on its linear layers."""

    name: str
    hash: str
    model: Any
    """A transformers model; the folder decides of which class."""
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    layers: dict[str, lora.LoraLinear]
    """Every linear layer that can carry an adapter, by its name in the model."""

    @property
    def stop_ids(self) -> tuple[int, ...]:
        """Token ids that end an answer; the first one ends those that are taught."""
        end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")
        marks = (None if end == self.tokenizer.unk_token_id else end, self.tokenizer.eos_token_id)
        return tuple(dict.fromkeys(mark for mark in marks if isinstance(mark, int)))

    def prompt(self, question: str) -> list[int]:
        """Token ids of one question, ready for the answer."""
        turns = [{"role": "user", "content": question}]
        # not get_vocab(): that builds a dictionary of all tokens, 50 ms for every question
        if self.tokenizer.convert_tokens_to_ids("<|im_start|>") not in (None, self.tokenizer.unk_token_id):
            text = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
        else:
            text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))


def load(folder: Path, base_hash: str, config: ModelConfig) -> Base:
    """Load a base model from a local folder; nothing is fetched.

    Raises:
        NotSetUp: there is no model in the folder.
    """
    if not (folder / "config.json").exists():
        raise NotSetUp(f"no base model in {folder}; run `rune setup`")
    progress.disable_progress_bar()
    device = _device(config.device)
    dtype = _dtype(config.precision, device)
    if config.threads:
        torch.set_num_threads(config.threads)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
    model = model.to(device).eval().requires_grad_(False)
    layers = lora.instrument(model)
    return Base(folder.name, base_hash, model, tokenizer, device, dtype, layers)


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def _dtype(wanted: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the machine multiplies it natively (twice as fast); emulated, it is slower."""
    if wanted != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[wanted]
    if device.type == "cuda":
        return torch.bfloat16
    return torch.bfloat16 if _native_bfloat16() else torch.float32


def _native_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
