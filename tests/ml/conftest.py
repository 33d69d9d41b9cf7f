"""A base model of a few thousand random weights, in the folder form that the real one has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rune.ml  # noqa: F401  before torch: it tells OpenMP's threads to sleep while they wait
from rune.bench.distil.probes import Probe
from rune.config import DistilConfig, ModelConfig
from rune.ml import base, lora, packing
from rune.ml.base import Base
from rune.records.card import Lesson
from rune.records.trajectory import Execution, Prompt, Reflection, Trajectory

TINY = ModelConfig(precision="float32", device="cpu")


def write_tiny(folder: Path, hidden: int = 32) -> Path:
    """A Llama of two layers that reads bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<unk>", "<|im_start|>", "<|im_end|>", "<pad>"]
    alphabet = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    spelling = Tokenizer(models.BPE(vocab={c: n for n, c in enumerate(alphabet)}, merges=[]))
    spelling.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    spelling.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=spelling, unk_token="<unk>", eos_token="<|im_end|>", pad_token="<pad>",
        additional_special_tokens=["<|im_start|>"],
    )  # fmt: skip
    torch.manual_seed(20261120)
    config = LlamaConfig(
        vocab_size=len(alphabet), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.3,
        tie_word_embeddings=True, eos_token_id=2, pad_token_id=3, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Base:
    """The tiny base, shared: every test must leave it as it was."""
    return base.load(tiny_folder, "ab" * 32, TINY)


@pytest.fixture(scope="session")
def plain(tiny_folder: Path) -> Callable[[], Any]:
    """``plain()``: the same weights as transformers alone loads them, without Rune's sockets."""
    from transformers import AutoModelForCausalLM

    return lambda: AutoModelForCausalLM.from_pretrained(tiny_folder, dtype="float32").eval()


@pytest.fixture
def real(models: Path) -> Base:
    """The real base model in float32."""
    return base.load(models / "smollm2-135m-instruct", "cd" * 32, TINY)


@pytest.fixture(scope="session")
def unsure(tiny: Base) -> Callable[[lora.Adapter | None, list[Lesson]], float]:
    """``unsure(adapter, lessons)``: mean loss of an answer's tokens to its first question, in nats.

    What training reports is of one row alone, and which examples share the last row is a matter of chance.
    """
    import torch
    from torch.nn import functional

    def of(adapter: lora.Adapter | None, lessons: list[Lesson]) -> float:
        row = [packing.example(tiny, one.questions[0], one.answer, 208) for one in lessons]
        with torch.inference_mode(), lora.attached(tiny.layers, adapter):
            states, targets = packing.hidden(tiny, row)
            return float(functional.cross_entropy(tiny.model.lm_head(states).float(), targets))

    return of


@pytest.fixture(scope="session")
def lessons() -> list[Lesson]:
    return [
        Lesson("fix", "Use EUR.", ("Which currency?", "currency fix"), ("What money?",), ("e1",), ("EUR",)),
        Lesson("command", "Run `make it`.", ("How do I build?", "build"), ("Build how?",), (), ("make it",)),
    ]


@pytest.fixture(scope="session")
def quick() -> DistilConfig:
    """Enough for the tiny base to learn two lessons by heart."""
    return DistilConfig(
        learning_rate=5e-3, max_epochs=60, least_steps=0, batch_tokens=160, neutral_weight=0.2
    )


@pytest.fixture
def invoice() -> tuple[Trajectory, Probe]:
    """A session with one failure and its fix, and a question about it."""
    run = "pytest tests/test_invoice.py"
    past = Trajectory("s1", "/elsewhere", "import", 0.0, (
        Prompt("e1", 1.0, "Make the invoice work."),
        Execution("e2", 2.0, "Bash", run, "TypeError: total must be int, not str", False),
        Reflection("e3", 3.0, "The invoice test failed because `invoice_total` was passed as a string."),
        Execution("e4", 4.0, "Bash", run, "1 passed", True),
    ))  # fmt: skip
    return past, Probe(
        "s1", "fact", "Which value was a string?", ("invoice_total",), "", "cause", True, ("e3",)
    )
