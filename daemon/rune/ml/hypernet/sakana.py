"""Published Doc-to-LoRA checkpoints (github.com/SakanaAI/doc-to-lora) into Rune's format, once and safely.

Such a file is a pickle. Which classes it names is listed without running any of it; a file that names others
than these few is refused by their names. The few are replaced by stand-ins that hold attributes and do
nothing, and the tensors are read by torch's restricted reader. Neither that project nor its version of PEFT
is needed.

Checked: keys, shapes, the base and its sizes, values finite and not all zero. Not covered: encoders that are
another model than the base, blocks that share weights, self-attention between latents; no published
checkpoint has them, and each is refused by name.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rune.errors import FormatError
from rune.ml.hypernet.checkpoint import check
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.shape import EARLY_EXIT, PER_LAYER, Shape, Target

HEAD = 128
"""Width of an attention head, whatever the rest."""


class Holder:
    """A stand-in for a settings class: attributes and nothing else."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class Word(str):
    """A stand-in for an enumeration of words."""

    __slots__ = ()


HOLDERS = (
    "ctx_to_lora.modeling.hypernet.HypernetConfig", "ctx_to_lora.modeling.aggregator.AggregatorConfig",
    "ctx_to_lora.configs.CtxEncoderArguments", "peft.tuners.lora.config.LoraConfig",
    "peft.tuners.lora.config.LoraRuntimeConfig",
)  # fmt: skip
WORDS = ("peft.utils.peft_types.PeftType", "peft.utils.peft_types.TaskType")
ALLOWED = frozenset((*HOLDERS, *WORDS, "builtins.set", "__builtin__.set"))


@dataclass(frozen=True, slots=True)
class Known:
    """A base that such checkpoints are made for: its sizes, and the ids around a chunk."""

    hidden: int
    depth: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]


BASES = {
    "gemma-2-2b-it": Known(2304, 26, (2, 106, 1645, 110), (107, 108, 106, 2516, 108)),
    "Mistral-7B-Instruct-v0.2": Known(
        4096, 32, (1, 733, 16289, 28793, 28705, 13, 13), (733, 28748, 16289, 28793)
    ),
    "Qwen3-4B-Instruct-2507": Known(
        2560, 36, (151644, 8948, 198, 151645, 198, 151644, 872, 198), (151645, 198, 151644, 77091, 198)
    ),
    "SmolLM2-135M-Instruct": Known(
        576, 30, (1, 9690, 198, 2, 198, 1, 4093, 198), (2, 198, 1, 520, 9531, 198)
    ),
}

RENAMED = tuple((re.compile(f"^{theirs}$"), ours) for theirs, ours in (
    (r"aggregator\.perceiver\.modality_projection\.(gate|up|down)_proj\.weight", r"projection.\1.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.latents_q", r"\1.latents"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layernorm\.weight", r"\1.norm.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.input_latents_layernorm\.weight",
     r"\1.blocks.\2.latent_norm.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.input_context_layernorm\.weight",
     r"\1.blocks.\2.context_norm.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.post_attention_layernorm\.weight",
     r"\1.blocks.\2.attended_norm.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.pre_ff_layernorm\.weight",
     r"\1.blocks.\2.gated_norm.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.post_ff_layernorm\.weight",
     r"\1.blocks.\2.added_norm.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.self_attn\.([qkvo])_proj\.weight",
     r"\1.blocks.\2.attention.\3.weight"),
    (r"aggregator\.perceiver\.(encoder|decoder)\.layers\.(\d+)\.mlp\.(gate|up|down)_proj\.weight",
     r"\1.blocks.\2.gated.\3.weight"),
    (r"layers\.(\d+)\.layers\.0\.(weight|bias)", r"mixers.\1.norm_in.\2"),
    (r"layers\.(\d+)\.layers\.1\.weight", r"mixers.\1.wide"),
    (r"layers\.(\d+)\.layers\.1\.bias", r"mixers.\1.wide_bias"),
    (r"layers\.(\d+)\.layers\.3\.weight", r"mixers.\1.narrow"),
    (r"layers\.(\d+)\.layers\.3\.bias", r"mixers.\1.narrow_bias"),
    (r"layers\.(\d+)\.layers\.4\.(weight|bias)", r"mixers.\1.norm_out.\2"),
    (r"bias_A\.(\w+)", r"bias_a.\1"), (r"bias_B\.(\w+)", r"bias_b.\1"),
    (r"scaler_A\.(\w+)", r"scale_a.\1"), (r"scaler_B\.(\w+)", r"scale_b.\1"),
    (r"head\.weight", "head"),
))  # fmt: skip


def read(path: Path) -> Hypernetwork:
    """The network of a published checkpoint.

    Raises:
        FormatError: the file names a class that is not allowed, is no such checkpoint, or its values do not
            hold together; what is wrong is named.
    """
    raw = _loaded(path)
    try:
        shape = _shape(path, raw)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: no Doc-to-LoRA checkpoint: {error!r}") from None
    weights = _renamed(path, raw)
    if weights.get("head", torch.empty(0)).dim() == 3:
        weights["head"] = weights["head"][:, None]  # one kind of layer has no axis for kinds
    with torch.device("meta"):
        network = Hypernetwork(shape)
    check(weights, network, str(path))
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).eval()


def _loaded(path: Path) -> dict[str, Any]:
    try:
        named = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        if foreign := sorted(set(named) - ALLOWED):
            raise FormatError(f"{path}: refused, because loading it would run {', '.join(foreign)}")
        stand_ins = [(type(name.rpartition(".")[2], (Holder,), {}), name) for name in HOLDERS]
        stand_ins += [(type(name.rpartition(".")[2], (Word,), {}), name) for name in WORDS]
        with torch.serialization.safe_globals([*stand_ins, set]):
            raw = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError, EOFError) as error:
        raise FormatError(f"{path}: expected a checkpoint of torch: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict):
        raise FormatError(f"{path}: expected a dictionary, found {type(raw).__name__}")
    return raw


def _shape(path: Path, raw: Mapping[str, Any]) -> Shape:
    config, encoder = raw["hypernet_config"], raw["ctx_encoder_args"]
    aggregator, low_rank = config.aggregator_config, config.lora_config
    name = str(raw["base_model_name_or_path"])
    known = BASES.get(name.rpartition("/")[2])
    if known is None:
        raise FormatError(f"{path}: made for {name}; known bases: {', '.join(sorted(BASES))}")
    _refuse(path, config, encoder, name)
    inner, outer = config.feature_sizes
    sizes = [Target(kind, int(inner[kind]), int(outer[kind])) for kind in sorted(low_rank.target_modules)]
    layers = tuple(int(layer) for layer in config.layer_indices)
    gate = raw["aggregator.perceiver.modality_projection.gate_proj.weight"]
    query, key = (raw[f"aggregator.perceiver.decoder.layers.0.self_attn.{one}_proj.weight"] for one in "qk")
    if (gate.shape[1], len(layers)) != (known.hidden, known.depth):
        found = f"width {gate.shape[1]} and {len(layers)} layers"
        raise FormatError(f"{path}: {name} has width {known.hidden} and {known.depth} layers, found {found}")
    early = encoder.ctx_encoder_type == "early_exit"
    mixers = getattr(config, "num_pre_head_layers", None)
    return Shape(
        base=name, hidden=known.hidden, depth=known.depth, layers=layers, targets=tuple(sizes),
        projection=int(gate.shape[0]), rank=int(low_rank.r), multiplier=float(low_rank.lora_alpha),
        width=int(config.latent_size), latents=int(aggregator.n_latent_queries),
        blocks=int(aggregator.num_blocks), heads=query.shape[0] // HEAD, shared_heads=key.shape[0] // HEAD,
        head=HEAD, mixers=4 if mixers is None else int(mixers),
        features=EARLY_EXIT if early else PER_LAYER,
        exit=int(getattr(encoder, "layer_idx", None) or known.depth // 4) if early else 0,
        prefix=known.prefix, suffix=known.suffix,
    )  # fmt: skip


def _refuse(path: Path, config: Any, encoder: Any, base: str) -> None:
    """Raises FormatError for what a checkpoint may ask for and this implementation does not have."""
    reader = getattr(encoder, "ctx_encoder_model_name_or_path", None)
    aggregator = config.aggregator_config
    asked = {
        f"ctx_encoder_type {encoder.ctx_encoder_type}": encoder.ctx_encoder_type
        not in ("early_exit", "per_layer_activations"),
        f"an encoder of its own, {reader}": reader not in (None, base),
        "ctx_encoder_last_layer": getattr(encoder, "ctx_encoder_last_layer", None) is not None,
        "per_rank_gen = False": not config.per_rank_gen,
        "per_layer_processing = False": not config.per_layer_processing,
        "use_bias = False": getattr(config, "use_bias", None) is False,
        "shared_weights": bool(aggregator.shared_weights) and aggregator.num_blocks > 1,
        "self-attention between latents": bool(aggregator.num_self_attn_per_block),
    }
    if found := [what for what, there in asked.items() if there]:
        raise FormatError(f"{path}: asks for {found[0]}, which this Rune does not have")


def _renamed(path: Path, raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors by our names, in float32."""
    weights = {}
    for key, value in raw.items():
        if not isinstance(value, Tensor):
            continue
        name = key.replace("_orig_mod.", "")
        new = next((form.sub(ours, name) for form, ours in RENAMED if form.match(name)), None)
        if new is None:
            raise FormatError(f"{path}: {key} is no weight of a Doc-to-LoRA hypernetwork")
        weights[new] = value.float()
    return weights
