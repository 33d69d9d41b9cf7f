"""LoRA against PEFT, which is the plain twin: same files, same logits."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from peft import PeftModel
from tests.ml.conftest import write_tiny
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from rune.errors import AdapterError
from rune.ml import base, gradient, lora
from rune.records.card import Lesson
from rune.testing import write_adapter

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
IDS = torch.tensor([[1, 40, 41, 42, 60, 61, 7, 9], [1, 50, 51, 52, 5, 6, 200, 9]])


def trained(layers, targets=ALL, rank=4, alpha=8.0, seed=3) -> lora.Adapter:
    """An adapter as training leaves it: B is not zero any more."""
    made = lora.fresh(layers, targets, rank, alpha, seed)
    random = torch.Generator().manual_seed(seed)
    for part in made.factors.values():
        part.b = torch.randn(part.b.shape, generator=random) * 0.2
    return made


def logits(model, ids=IDS):
    with torch.inference_mode():
        return model(input_ids=ids).logits


def fingerprint(model) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


# equality with PEFT


@pytest.mark.parametrize("targets", [ALL, ("q_proj", "v_proj"), ("down_proj",)])
@pytest.mark.parametrize(("rank", "alpha"), [(1, 1.0), (4, 8.0), (8, 4.0)])
def test_the_files_mean_the_same_to_peft(tiny, plain, tmp_path, targets, rank, alpha):
    lora.save(trained(tiny.layers, targets, rank, alpha), tmp_path, tiny.name, torch.float32)
    twin = PeftModel.from_pretrained(plain(), str(tmp_path)).eval()
    with lora.attached(tiny.layers, lora.load(tmp_path, tiny.device, tiny.dtype)):
        ours = logits(tiny.model)
    assert_close(ours, logits(twin), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(ours, logits(tiny.model), atol=1e-2), "the adapter must change something"


def test_in_half_precision_too(tiny, plain, tmp_path):
    lora.save(trained(tiny.layers), tmp_path, tiny.name)
    twin = PeftModel.from_pretrained(plain(), str(tmp_path)).eval()
    with lora.attached(tiny.layers, lora.load(tmp_path, tiny.device, tiny.dtype)):
        assert_close(logits(tiny.model), logits(twin), rtol=1e-5, atol=1e-5)


@pytest.mark.model
def test_on_the_real_base_too(real, models, tmp_path):
    lora.save(trained(real.layers, rank=8, alpha=16.0), tmp_path, real.name)
    ids = torch.tensor([real.prompt("Why did the invoice test fail?")])
    bare = logits(real.model, ids)
    with lora.attached(real.layers, lora.load(tmp_path, real.device, real.dtype)):
        ours = logits(real.model, ids)
    assert torch.equal(logits(real.model, ids), bare)
    fresh = AutoModelForCausalLM.from_pretrained(models / "smollm2-135m-instruct", dtype=torch.float32)
    assert torch.equal(logits(fresh.eval(), ids), bare), "sockets change nothing"
    twin = logits(PeftModel.from_pretrained(fresh, str(tmp_path)).eval(), ids)
    assert_close(ours, twin, rtol=1e-4, atol=1e-3)


def test_a_fake_adapter_of_the_tests_is_a_real_one_to_peft(tmp_path):
    model = AutoModelForCausalLM.from_pretrained(write_tiny(tmp_path / "m", hidden=16), dtype="float32")
    (tmp_path / "a").mkdir()
    write_adapter(tmp_path / "a", [Lesson("fix", "Use EUR.", ("Which?",), ())])
    before = logits(model.eval())
    twin = PeftModel.from_pretrained(model, str(tmp_path / "a")).eval()
    assert not torch.equal(logits(twin), before)


# nothing is left behind


def test_sockets_alone_change_no_bit(tiny, plain):
    assert torch.equal(logits(tiny.model), logits(plain()))


def test_after_detaching_the_logits_are_the_bases_bit_for_bit(tiny):
    before = logits(tiny.model)
    with lora.attached(tiny.layers, trained(tiny.layers)):
        assert not torch.equal(logits(tiny.model), before)
    assert torch.equal(logits(tiny.model), before)
    with pytest.raises(ZeroDivisionError), lora.attached(tiny.layers, trained(tiny.layers)):
        raise ZeroDivisionError
    assert torch.equal(logits(tiny.model), before)


def test_one_adapter_after_another_leaves_no_trace_of_the_first(tiny):
    one, two = trained(tiny.layers, seed=1), trained(tiny.layers, ("q_proj",), seed=2)
    with lora.attached(tiny.layers, two):
        alone = logits(tiny.model)
    with lora.attached(tiny.layers, one):
        logits(tiny.model)
    with lora.attached(tiny.layers, two):
        assert torch.equal(logits(tiny.model), alone)


def test_training_changes_no_weight_of_the_base(tiny, lessons, quick, tmp_path):
    before = fingerprint(tiny.model)
    *_, made = gradient.GradientDistiller(tiny, quick).distil(lessons, tmp_path)
    assert made.steps > 0
    assert fingerprint(tiny.model) == before
    assert all(socket.factors is None for socket in tiny.layers.values())


def test_a_zeroed_adapter_is_the_base(tiny):
    before = logits(tiny.model)
    with lora.attached(tiny.layers, lora.zeroed(trained(tiny.layers))):
        assert torch.equal(logits(tiny.model), before)


def test_a_fresh_adapter_changes_nothing_yet(tiny):
    before = logits(tiny.model)
    with lora.attached(tiny.layers, lora.fresh(tiny.layers, ALL, 8, 16.0, 7)):
        assert torch.equal(logits(tiny.model), before)


def test_no_adapter_is_the_base(tiny):
    before = logits(tiny.model)
    with lora.attached(tiny.layers, None):
        assert torch.equal(logits(tiny.model), before)


# shapes and scale


def test_a_layer_is_w_x_plus_alpha_over_r_b_a_x(tiny):
    name = "model.layers.0.self_attn.q_proj"
    socket, adapter = tiny.layers[name], trained(tiny.layers, rank=4, alpha=10.0)
    x, part = torch.randn(3, socket.base.in_features), adapter.factors[name]
    with lora.attached(tiny.layers, adapter), torch.inference_mode():
        expected = x @ socket.base.weight.T + (10.0 / 4) * (x @ part.a.T @ part.b.T)
        assert_close(socket(x), expected)


def test_every_projection_of_every_layer_has_a_socket_and_the_head_has_none(tiny):
    expected = {
        f"model.layers.{n}.{'self_attn' if t in ALL[:4] else 'mlp'}.{t}" for n in range(2) for t in ALL
    }
    assert set(tiny.layers) == expected


def test_the_same_seed_gives_the_same_adapter_and_another_one_another(tiny):
    def first(seed):
        return next(iter(lora.fresh(tiny.layers, ALL, 4, 8.0, seed).factors.values())).a

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_targets_that_the_base_lacks_are_refused_with_those_that_it_has(tiny):
    with pytest.raises(AdapterError, match="no layer named c_attn; known: down_proj, gate_proj"):
        lora.fresh(tiny.layers, ("c_attn",), 4, 8.0, 1)


# files


def test_what_is_saved_is_loaded_again(tiny, tmp_path):
    made = trained(tiny.layers, rank=3, alpha=5.0)
    lora.save(made, tmp_path, tiny.name, torch.float32)
    found = lora.load(tmp_path, tiny.device, torch.float32)
    assert (found.rank, found.alpha, found.scale) == (3, 5.0, 5.0 / 3)
    assert found.factors.keys() == made.factors.keys()
    for name, part in made.factors.items():
        assert torch.equal(found.factors[name].a, part.a)
        assert torch.equal(found.factors[name].b, part.b)


def test_the_same_adapter_gives_the_same_bytes(tiny, tmp_path):
    for name in ("one", "two"):
        lora.save(trained(tiny.layers), tmp_path / name, tiny.name)
    for file in (lora.WEIGHTS, lora.SETTINGS):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize("damage", ["no weights", "no settings", "garbage", "cut", "no rank", "settings"])
def test_damaged_files_are_an_adapter_error(tiny, tmp_path, damage):
    lora.save(trained(tiny.layers), tmp_path, tiny.name)
    weights, settings = tmp_path / lora.WEIGHTS, tmp_path / lora.SETTINGS
    match damage:
        case "no weights":
            weights.unlink()
        case "no settings":
            settings.unlink()
        case "garbage":
            weights.write_bytes(b"\xff" * 64)
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-10])
        case "no rank":
            settings.write_text("{}")
        case "settings":
            settings.write_text("{")
    with pytest.raises(AdapterError, match="in PEFT format"):
        lora.load(tmp_path, tiny.device, tiny.dtype)


@pytest.mark.parametrize("which", ["foreign", "half"])
def test_weights_of_another_kind_are_an_adapter_error(tiny, tmp_path, which):
    from safetensors.torch import load_file, save_file

    lora.save(trained(tiny.layers), tmp_path, tiny.name)
    tensors = load_file(tmp_path / lora.WEIGHTS)
    name = next(key for key in tensors if key.endswith("lora_B.weight"))
    kept = tensors.pop(name)
    if which == "foreign":
        tensors["transformer.h.0.lora_magic"] = kept
    save_file(tensors, tmp_path / lora.WEIGHTS)
    with pytest.raises(AdapterError, match="lora_A"):
        lora.load(tmp_path, tiny.device, tiny.dtype)


def test_an_adapter_of_another_architecture_is_refused_and_leaves_nothing_attached(tiny):
    made = trained(tiny.layers)
    made.factors["model.layers.7.mlp.up_proj"] = next(iter(made.factors.values()))
    before = logits(tiny.model)
    with pytest.raises(AdapterError, match=r"layers\.7"), lora.attached(tiny.layers, made):
        pass
    assert torch.equal(logits(tiny.model), before)


def test_the_settings_name_the_base_and_the_targets(tiny, tmp_path):
    lora.save(trained(tiny.layers, ("q_proj", "v_proj"), 4, 8.0), tmp_path, "some-base")
    said = json.loads((tmp_path / lora.SETTINGS).read_text())
    assert (said["peft_type"], said["r"], said["lora_alpha"]) == ("LORA", 4, 8.0)
    assert (said["base_model_name_or_path"], sorted(said["target_modules"])) == (
        "some-base",
        ["q_proj", "v_proj"],
    )


def test_without_a_model_in_the_folder_setup_is_named(tmp_path):
    from rune.config import ModelConfig
    from rune.errors import NotSetUp

    with pytest.raises(NotSetUp, match="run `rune setup`"):
        base.load(tmp_path, "", ModelConfig())
