"""Whether the network computes its formulas, and whether its adapters mean the same to PEFT.

The weights are random and nothing of them is left at its first value: at the start B is zero, and whatever
is compared would be equal. The text is short, because the plain twin takes one vector at a time.
"""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM

from rune.bench.hypernet import naive
from rune.ml import lora
from rune.ml.base import Base
from rune.ml.hypernet.batches import encoded
from rune.ml.hypernet.features import chunks, features, padded
from rune.ml.hypernet.joining import batched, exported, joined
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.recipe import shape_for

TEXT = "1. The deploy port is harbor. 2. The vault key is maple."
QUESTION = "What is the deploy port?"
CHUNK = 12
SLIGHT = 0.01
"""How far weights are moved: logits then change by a few units, as with a trained adapter."""


def disturbed(network: Hypernetwork, seed: int = 5, far: float = 0.3) -> Hypernetwork:
    """The same network with no weight at its first value."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if any(word in name for word in ("scale", "bias", "norm")):
                weight.add_(torch.randn(weight.shape, generator=random) * far)
    return network.eval()


def measured(base: Base, folder: Path, far: float = SLIGHT) -> dict[str, float]:
    """The figures, on the real base; ``folder`` is where its weights lie.

    Held against PEFT is the adapter as training uses it, before the multiplier goes into B.
    """
    torch.manual_seed(3)
    network = disturbed(Hypernetwork(replace(shape_for(base), chunk=CHUNK)), far=far)
    pieces = chunks(encoded(base, TEXT), network.shape)
    ids, mask = padded(pieces, base.device)
    states = features(base, ids, mask, network.shape).float()
    with torch.no_grad():
        made = network(states, mask)
        whole = joined(network, made, [len(pieces)])
        live, written = batched(base, network, whole, [0]), exported(base, network, whole)
    twin = naive.rows(states[0], int(mask[0].sum()), _weights(network), network.shape)
    apart = [
        float((one - other).abs().max())
        for name, (a, b) in twin.items()
        for one, other in ((made[name].a[0], a), (made[name].b[0], b))
    ]
    ours, bare = _logits(base, live), _logits(base, None)
    return {
        "naive_max_abs_diff": max(apart),
        "lora_effect_max_abs": float((ours - bare).abs().max()),
        "export_max_abs_diff": float((ours - _theirs(base, written, folder)).abs().max()),
        "chunks": len(pieces),
    }


def _weights(network: Hypernetwork) -> dict[str, Tensor]:
    return {name: weight.detach() for name, weight in network.state_dict().items()}


def _logits(base: Base, adapter: lora.Adapter | None) -> Tensor:
    with torch.inference_mode(), lora.attached(base.layers, adapter):
        logits: Tensor = base.model(input_ids=torch.tensor([base.prompt(QUESTION)])).logits
    return logits.float()


def _theirs(base: Base, adapter: lora.Adapter, folder: Path) -> Tensor:
    """Logits of the base as transformers alone loads it, with the adapter's files as PEFT reads them."""
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of PEFT, about a name that it asks for
        lora.save(adapter, Path(place), base.name, torch.float32)
        fresh = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        twin = PeftModel.from_pretrained(fresh.eval(), place).eval()
        with torch.inference_mode():
            logits: Tensor = twin(input_ids=torch.tensor([base.prompt(QUESTION)])).logits
    return logits
