"""What tests of engines elsewhere share: the base, adapters that change it, and Rune's own engine."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest_asyncio
from tests.conftest import MODELS

from rune.config import EngineConfig, ModelConfig
from rune.paths import Home
from rune.records import model
from rune.serving.types import GenerateRequest, Part, Sampling

BASE = "smollm2-135m-instruct"
ENGINE = EngineConfig(rows=8, queue=16)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local():
    """Rune's own engine."""
    from rune.ml import base
    from rune.ml.serve.local import LocalBackend
    from rune.ml.serve.runner import Runner

    settings = ModelConfig(precision="float32", threads=1)
    made = LocalBackend(Runner(base.load(MODELS / BASE, hash_of(), settings), ENGINE))
    yield made
    await made.close()


def hash_of() -> str:
    return model.base_hash(MODELS / BASE, Home(MODELS.parent))


def write_noise(folder: Path, seed: int) -> None:
    import torch
    from safetensors.torch import save_file

    name = "base_model.model.model.layers.29.mlp.down_proj.lora_{}.weight"
    random = torch.Generator().manual_seed(seed)
    factors = {name.format("A"): (2, 1536), name.format("B"): (576, 2)}
    numbers = {key: torch.randn(shape, generator=random) * 2 for key, shape in factors.items()}
    save_file(numbers, folder / "adapter_model.safetensors", {"format": "pt"})
    settings = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["down_proj"],
                "layers_to_transform": [29], "base_model_name_or_path": BASE}  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(settings))


def ask(question: str, *parts: Part, max_tokens=16, **how) -> GenerateRequest:
    prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    return GenerateRequest(uuid.uuid4().hex, prompt, parts, Sampling(max_tokens, **how), "somebody")
