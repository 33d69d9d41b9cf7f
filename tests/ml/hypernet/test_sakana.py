"""Published checkpoints: files of their format, made here, become the network that they were made of."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from torch.testing import assert_close

from rune.bench.hypernet.numerics import disturbed
from rune.errors import FormatError
from rune.ml.hypernet import sakana
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.shape import EARLY_EXIT, PER_LAYER, Shape, Target

KNOWN = sakana.BASES["SmolLM2-135M-Instruct"]
DOWN, QUERY = Target("down_proj", 1536, 576), Target("q_proj", 576, 576)


@contextmanager
def theirs() -> Iterator[dict[str, type]]:
    """Their classes, importable only while a file is written."""
    made = {}
    for path in sakana.HOLDERS[:3]:
        module, _, name = path.rpartition(".")
        kind = type(name, (), {"__module__": module})
        made[name] = kind
        for part in (module.partition(".")[0], "ctx_to_lora.modeling", module):
            sys.modules.setdefault(part, types.ModuleType(part))
        vars(sys.modules[module])[name] = kind
    try:
        yield made
    finally:
        for module in [name for name in sys.modules if name.partition(".")[0] == "ctx_to_lora"]:
            del sys.modules[module]


def source(features: str, targets: tuple[Target, ...]) -> Hypernetwork:
    torch.manual_seed(17)
    return disturbed(Hypernetwork(Shape(
        base="HuggingFaceTB/SmolLM2-135M-Instruct", hidden=KNOWN.hidden, depth=KNOWN.depth,
        layers=tuple(range(KNOWN.depth)), targets=targets, projection=4 * KNOWN.hidden, rank=2,
        multiplier=2 * 2**1.5, width=8, latents=3, blocks=2, features=features,
        exit=7 if features == EARLY_EXIT else 0, prefix=KNOWN.prefix, suffix=KNOWN.suffix,
    )))  # fmt: skip


THEIRS = (
    (r"^projection\.(\w+)", r"aggregator.perceiver.modality_projection.\1_proj"),
    (r"^(encoder|decoder)\.latents", r"aggregator.perceiver.\1.latents_q"),
    (r"^(encoder|decoder)\.norm", r"aggregator.perceiver.\1.layernorm"),
    (r"^(encoder|decoder)\.blocks", r"aggregator.perceiver.\1.layers"),
    ("latent_norm", "input_latents_layernorm"), ("context_norm", "input_context_layernorm"),
    ("attended_norm", "post_attention_layernorm"), ("gated_norm", "pre_ff_layernorm"),
    ("added_norm", "post_ff_layernorm"), (r"attention\.(.)\.", r"self_attn.\1_proj."),
    (r"\bgated\.(\w+)", r"mlp.\1_proj"), (r"^mixers\.(\d)\.", r"layers.\1.layers."),
    ("norm_in", "0"), ("wide_bias", "1.bias"), (r"wide$", "1.weight"), ("narrow_bias", "3.bias"),
    (r"narrow$", "3.weight"), ("norm_out", "4"), ("^bias_a", "bias_A"), ("^bias_b", "bias_B"),
    ("^scale_a", "scaler_A"), ("^scale_b", "scaler_B"), ("^head$", "head.weight"),
)  # fmt: skip
"""Our names to theirs, written apart from the table that goes the other way."""


def their_name(ours: str) -> str:
    for form, name in THEIRS:
        ours = re.sub(form, name, ours)
    return ours


def write(path: Path, network: Hypernetwork, changes: dict[str, object] | None = None, **config) -> Path:
    """A file as their training leaves it."""
    shape = network.shape
    raw: dict[str, object] = {their_name(name): weight for name, weight in network.state_dict().items()}
    if len(shape.targets) == 1:
        raw["head.weight"] = network.head.detach()[:, 0]
    kinds = [target.name for target in shape.targets]
    with theirs() as classes:
        low_rank = LoraConfig(r=shape.rank, lora_alpha=shape.multiplier, target_modules=kinds,  # type: ignore[arg-type]
                              task_type="CAUSAL_LM", peft_type="LORA")  # fmt: skip
        aggregator = _filled(classes["AggregatorConfig"](), n_latent_queries=shape.latents,
                             num_blocks=shape.blocks, num_self_attn_per_block=0, shared_weights=False,
                             layer_to_layer_ctx_encoder=True, feature_size=shape.hidden)  # fmt: skip
        settings = {"latent_size": shape.width, "per_rank_gen": True, "per_layer_processing": True,
                    "num_pre_head_layers": 1, "use_bias": True, "lora_config": low_rank,
                    "feature_sizes": ({t.name: t.inner for t in shape.targets},
                                      {t.name: t.outer for t in shape.targets}),
                    "layer_indices": torch.arange(shape.depth), "aggregator_config": aggregator}  # fmt: skip
        kind = "early_exit" if shape.features == EARLY_EXIT else "per_layer_activations"
        raw["hypernet_config"] = _filled(classes["HypernetConfig"](), **{**settings, **config})
        raw["ctx_encoder_args"] = _filled(
            classes["CtxEncoderArguments"](), ctx_encoder_type=kind, layer_idx=7, ctx_encoder_last_layer=None,
            quantize_ctx_encoder=True, ctx_encoder_model_name_or_path=None,
        )  # fmt: skip
        raw["base_model_name_or_path"] = shape.base
        torch.save({**raw, **(changes or {})}, path)
    return path


def _filled(thing: object, **values: object) -> object:
    vars(thing).update(values)
    return thing


@pytest.mark.parametrize(("features", "targets"), [
    (PER_LAYER, (DOWN,)), (PER_LAYER, (DOWN, QUERY)), (EARLY_EXIT, (DOWN,)),
])  # fmt: skip
def test_a_file_becomes_the_network_that_it_was_made_of(tmp_path, features, targets):
    before = source(features, targets)
    after = sakana.read(write(tmp_path / "pytorch_model.bin", before))
    assert after.shape == before.shape
    states = torch.randn(2, KNOWN.depth if features == PER_LAYER else 1, 5, KNOWN.hidden)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    with torch.no_grad():
        one, other = before(states, mask), after(states, mask)
    for target in targets:
        assert_close(one[target.name].a, other[target.name].a, rtol=0, atol=0)
        assert bool(other[target.name].b.any())


class Harmful:
    def __reduce__(self):
        return (print, ("this would have run",))


def test_a_class_that_is_not_allowed_is_refused_by_its_name_and_not_run(tmp_path, capsys):
    path = write(tmp_path / "bad.bin", source(PER_LAYER, (DOWN,)), {"extra": Harmful()})
    with pytest.raises(FormatError, match=r"print"):
        sakana.read(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("changes", "said"), [
    ({"base_model_name_or_path": "someone/other-7b"}, "other-7b"),
    ({"scaler_B.down_proj": torch.zeros(1, 30, 2, 1)}, "no adapter would change anything"),
    ({"scaler_A.down_proj": torch.full((1, 30, 2, 1), torch.inf)}, "not finite"),
    ({"bias_A.down_proj": torch.zeros(30, 2, 7)}, "expected"),
    ({"surprise.weight": torch.zeros(1)}, "surprise.weight"),
    ({"base_model_name_or_path": "google/gemma-2-2b-it"}, "2304"),
])  # fmt: skip
def test_what_does_not_hold_together_is_named(tmp_path, changes, said):
    with pytest.raises(FormatError, match=said):
        sakana.read(write(tmp_path / "odd.bin", source(PER_LAYER, (DOWN,)), changes))


def test_what_it_does_not_have_is_named(tmp_path):
    with pytest.raises(FormatError, match="per_rank_gen"):
        sakana.read(write(tmp_path / "odd.bin", source(PER_LAYER, (DOWN,)), per_rank_gen=False))


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "text.bin").write_text("hello", "utf-8")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.bin")
    for name in ("text.bin", "other.bin", "absent.bin"):
        with pytest.raises(FormatError, match=name):
            sakana.read(tmp_path / name)


def test_the_command_keeps_it_in_our_format(tmp_path, home):
    from click.testing import CliRunner

    from rune.cli import main
    from rune.ml.hypernet import checkpoint

    (tmp_path / "qa demo").mkdir()
    path = write(tmp_path / "qa demo" / "pytorch_model.bin", source(PER_LAYER, (DOWN,)))
    done = CliRunner().invoke(main, ["hypernet", "import", str(path)])
    assert done.exit_code == 0, done.output
    assert 'hypernet = "qa-demo"' in done.output
    network, known = checkpoint.read(home.hypernets / "qa-demo")
    assert known.shape == sakana.read(path).shape
    assert torch.equal(network.head, sakana.read(path).head)
    path.write_bytes(b"")
    refused = CliRunner().invoke(main, ["hypernet", "import", str(path), "--name", "../x"])
    assert refused.exit_code == 1
    assert "--name" in refused.output
