"""A GGUF file to a folder that transformers loads in a second: dequantised once, kept as bfloat16.

bfloat16 halves the file and is what the original weights were. Tensors are written in one order with one
header, so that the same file gives the same bytes, and with them the same base hash, on every machine.

Setup runs this as a process of its own, ``python -m rune.ml.convert <file.gguf> <folder>``: the memory is
given back at once, and the progress bars of transformers do not mix with the one that setup shows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def convert_gguf(gguf: Path, into: Path) -> None:
    """Write config, tokenizer and weights of a GGUF file into a folder."""
    model: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    _save_config(model, into)
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(into)
    # Not model.save_pretrained: it refuses whatever came from GGUF, although nothing is quantised any more.
    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    save_file(weights, into / "model.safetensors", metadata={"format": "pt"})


def _save_config(model: Any, into: Path) -> None:
    config = model.config
    for leftover in ("quantization_config", "_model_name_or_path"):
        vars(config).pop(leftover, None)
    config.dtype = torch.bfloat16
    config.architectures = [type(model).__name__]
    config.save_pretrained(into)
    model.generation_config.save_pretrained(into)


if __name__ == "__main__":
    convert_gguf(Path(sys.argv[1]), Path(sys.argv[2]))
