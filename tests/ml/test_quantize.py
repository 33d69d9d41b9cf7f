"""The same tests over every way of keeping the base; NF4 where bitsandbytes can."""

from __future__ import annotations

import gc
import hashlib
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.ml.conftest import TINY, write_tiny
from torch.nn import functional
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from rune.config import ModelConfig
from rune.errors import AdapterError, ConfigError, QuantizeError
from rune.library import Library
from rune.ml import base, gradient, lora, quantize
from rune.ml.engine import Engine
from rune.ports import Distilled

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
IDS = torch.tensor([[1, 40, 41, 42, 60, 61, 7, 9], [1, 50, 51, 52, 5, 6, 200, 9]])
CPU = torch.device("cpu")
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def cannot(name: str) -> str:
    """Why this machine cannot keep a base this way; empty where it can."""
    try:
        quantize.backend(name).require(CPU)
    except QuantizeError as error:
        return str(error)
    return ""


def able(name: str) -> None:
    if why := cannot(name):
        pytest.skip(why)


@pytest.fixture(params=sorted(quantize.BACKENDS))
def kept(request, tiny_folder):
    """The tiny base, kept in each way."""
    able(request.param)
    return base.load(tiny_folder, "ab" * 32, replace(TINY, quantize=request.param))


@pytest.fixture
def nf4(tiny_folder):
    able("nf4")
    return base.load(tiny_folder, "ab" * 32, replace(TINY, quantize="nf4"))


def logits(model, ids=IDS):
    with torch.inference_mode():
        return model(input_ids=ids).logits


def trained(layers) -> lora.Adapter:
    """An adapter as training leaves it: B is not zero any more."""
    made = lora.fresh(layers, ALL, 4, 8.0, 3)
    random = torch.Generator().manual_seed(3)
    for part in made.factors.values():
        part.b = (torch.randn(part.b.shape, generator=random) * 0.2).requires_grad_()
    return made


def loss(one, adapter) -> torch.Tensor:
    with lora.attached(one.layers, adapter):
        out = one.model(input_ids=IDS, use_cache=False).logits.float()
        return functional.cross_entropy(out[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())


def gradients(one, adapter) -> list[torch.Tensor]:
    for part in adapter.parameters():
        part.grad = None
    loss(one, adapter).backward()
    return [part.grad.clone() for part in adapter.parameters()]


def fingerprint(model) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.named_parameters()):
        digest.update(name.encode() + tensor.detach().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


# what both must do


def test_detaching_restores_the_logits_bit_for_bit(kept):
    before = logits(kept.model)
    with lora.attached(kept.layers, trained(kept.layers)):
        assert not torch.equal(logits(kept.model), before)
    assert torch.equal(logits(kept.model), before)


def test_every_linear_layer_of_the_blocks_has_a_socket(kept):
    assert {name.rpartition(".")[2] for name in kept.layers} == set(ALL)
    assert len(kept.layers) == 2 * len(ALL)


def test_a_training_step_reaches_every_factor_and_nothing_else(kept):
    before, adapter = fingerprint(kept.model), trained(kept.layers)
    optimizer = quantize.optimizer(adapter.parameters(), 1e-2, kept.backend, kept.device)
    found = gradients(kept, adapter)
    assert all(bool(part.isfinite().all()) and float(part.abs().max()) > 0 for part in found)
    assert [name for name, weight in kept.model.named_parameters() if weight.grad is not None] == []
    was = [part.detach().clone() for part in adapter.parameters()]
    first = float(loss(kept, adapter).detach())
    optimizer.step()
    assert not any(torch.equal(a, b) for a, b in zip(was, adapter.parameters(), strict=True))
    assert float(loss(kept, adapter).detach()) < first
    assert fingerprint(kept.model) == before


def test_a_recall_between_two_steps_changes_no_gradient(kept):
    """bitsandbytes would repack its layers at the first answer, into a form that has no gradient."""
    adapter = trained(kept.layers)
    before = gradients(kept, adapter)
    Engine(kept).answer("Which currency?", None, 4)
    for ours, theirs in zip(gradients(kept, adapter), before, strict=True):
        assert torch.equal(ours, theirs)


def test_lessons_are_learnt_saved_and_answered_from_the_files(kept, lessons, quick, tmp_path):
    bare = Engine(kept).answer(lessons[0].questions[0], None, 24)
    *_, made = gradient.GradientDistiller(kept, quick).distil(lessons, tmp_path)
    assert isinstance(made, Distilled)
    for lesson in lessons:
        answers = [Engine(kept).answer(question, tmp_path, 24) for question in lesson.questions]
        assert lesson.answer in answers
    assert Engine(kept).answer(lessons[0].questions[0], None, 24) == bare


def test_the_files_of_an_adapter_give_back_its_logits(kept, tmp_path):
    adapter = trained(kept.layers)
    lora.save(adapter, tmp_path, kept.name, torch.float32)
    with lora.attached(kept.layers, lora.load(tmp_path, kept.device, torch.float32)):
        again = logits(kept.model)
    with lora.attached(kept.layers, adapter):
        assert torch.equal(logits(kept.model), again)


def test_a_batch_answers_as_each_question_alone(kept):
    asked = ["Which currency?", "How do I build?"]
    alone = [Engine(kept).answer(question, None, 6) for question in asked]
    assert Engine(kept).answers(asked, None, 6) == alone


def test_checkpointing_changes_no_gradient(kept, monkeypatch):
    adapter = trained(kept.layers)
    before = gradients(kept, adapter)
    with quantize.checkpointed(kept.model, torch.device("cuda")), lora.attached(kept.layers, adapter):
        assert kept.model.model.gradient_checkpointing
        out = kept.model(input_ids=IDS, use_cache=False).logits.float()
        for part in adapter.parameters():
            part.grad = None
        functional.cross_entropy(out[:, :-1].flatten(0, 1), IDS[:, 1:].flatten()).backward()
    assert not kept.model.training
    assert not kept.model.model.gradient_checkpointing
    for ours, theirs in zip([part.grad for part in adapter.parameters()], before, strict=True):
        assert_close(ours, theirs)


def test_on_a_cpu_nothing_is_computed_twice_and_the_optimizer_is_pytorchs(kept):
    with quantize.checkpointed(kept.model, CPU):
        assert not kept.model.model.gradient_checkpointing
    adapter = trained(kept.layers)
    assert type(quantize.optimizer(adapter.parameters(), 1e-3, kept.backend, CPU)) is torch.optim.AdamW


# what nf4 is


def test_nf4_keeps_layers_in_four_bits_with_double_quantisation_and_computes_in_bfloat16(tiny_folder):
    able("nf4")
    loaded = base.load(tiny_folder, "ab" * 32, ModelConfig(device="cpu", quantize="nf4"))
    assert loaded.dtype == torch.bfloat16
    for socket in loaded.layers.values():
        assert socket.base.weight.dtype == torch.uint8
        assert socket.base.weight.quant_state.quant_type == "nf4"
        assert socket.base.weight.quant_state.nested
        assert socket.base.compute_dtype == torch.bfloat16
    assert loaded.model.get_input_embeddings().weight.dtype == torch.bfloat16
    assert bool(logits(loaded.model).isfinite().all())


def test_nf4_is_near_the_source_layer_by_layer(nf4, tiny):
    given = torch.randn(3, 64, generator=torch.Generator().manual_seed(4))
    for name, socket in nf4.layers.items():
        source = tiny.layers[name].base
        x = given[:, : source.in_features]
        with torch.inference_mode():
            exact, rounded = source(x).flatten(), socket(x).flatten()
        assert not torch.equal(exact, rounded)
        assert float(functional.cosine_similarity(exact, rounded, dim=0)) > 0.97, name


def test_weights_are_counted_once_with_the_scales_of_scales(tiny_folder, tiny, nf4):
    whole = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype="float32")
    assert quantize.weight_bytes(tiny.model) == quantize.weight_bytes(whole)
    parameters = sum(weight.numel() for weight in whole.parameters())
    assert 4 * parameters <= quantize.weight_bytes(whole) < 4 * parameters + 1024
    packed = sum(socket.base.weight.numel() for socket in nf4.layers.values())
    linear = sum(s.base.in_features * s.base.out_features for s in nf4.layers.values())
    assert packed == linear / 2
    scales = quantize.weight_bytes(nf4.model) - quantize.weight_bytes(whole) + 4 * linear - packed
    assert scales >= linear / 64, "one byte a block of 64, then what scales those"


def test_the_file_of_the_source_does_not_stay_in_memory(tmp_path):
    able("nf4")
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no /proc/self/maps on this system")
    folder = write_tiny(tmp_path / "large", hidden=64)
    loaded = base.load(folder, "ab" * 32, replace(TINY, quantize="nf4"))
    gc.collect()
    assert str(folder) not in maps.read_text()
    assert len(loaded.layers) == 14


def test_an_adapter_of_one_way_is_refused_under_another(tiny, nf4, make_card, echoes):
    assert tiny.hash == "ab" * 32, "adapters made before there was a choice keep their base"
    assert nf4.hash == "ab" * 32 + "+nf4"
    assert quantize.bound(nf4.hash, nf4.backend) == nf4.hash
    library = Library(echoes, lambda: 0.0)
    for ours, theirs in ((tiny, nf4), (nf4, tiny)):
        library.check_base(make_card(base_hash=ours.hash), ours.hash)
        with pytest.raises(AdapterError, match=r"abababababab\+nf4.*rune distil"):
            library.check_base(make_card(base_hash=ours.hash), theirs.hash)


# where it cannot be


@pytest.mark.parametrize("wanted", ["int3", "NF4", ""])
def test_an_unknown_way_is_an_error_that_names_the_known_ones(tiny_folder, wanted):
    with pytest.raises(ConfigError, match=r"expected none or nf4.*config\.toml"):
        base.load(tiny_folder, "ab" * 32, replace(TINY, quantize=wanted))


@pytest.mark.parametrize("name", sorted(quantize.BACKENDS))
def test_an_unknown_precision_too(name):
    with pytest.raises(ConfigError, match="expected auto, float32, bfloat16, found 'half'"):
        quantize.backend(name).dtype("half", CPU)


def ask(tmp_path, package: str) -> subprocess.CompletedProcess[str]:
    """``python -m rune.ml.quantize nf4 cpu`` where ``import bitsandbytes`` runs this."""
    (tmp_path / "bitsandbytes.py").write_text(package)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from rune.ml import quantize; "
    code += "sys.exit(quantize.main(['nf4', 'cpu']))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_broken_bitsandbytes_is_quoted_with_the_way_out(tmp_path):
    done = ask(tmp_path, "raise ImportError('libbitsandbytes_cpu.so: wrong ELF class')")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('quantize = "nf4": expected bitsandbytes with four-bit')
    assert "wrong ELF class" in done.stderr
    assert "rune setup --quantize none" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_bitsandbytes_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(QuantizeError, match=r"not installed.*rune setup --quantize none"):
        quantize.backend("nf4").require(CPU)


def test_a_device_without_kernels_is_said():
    able("nf4")
    with pytest.raises(QuantizeError, match=r"bitsandbytes says: .*rune setup --quantize none"):
        quantize.backend("nf4").require(torch.device("meta"))


def test_a_machine_that_can_says_nothing(capfd):
    able("nf4")
    assert quantize.main(["nf4", "cpu"]) == quantize.main(["none", "cpu"]) == 0
    assert capfd.readouterr() == ("", "")
    assert quantize.main(["int3", "cpu"]) == 1


# what bitsandbytes says on import


def test_no_command_prints_what_bitsandbytes_says_about_its_optional_kernel():
    code = "from rune.ml import lora"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_that_line_goes_to_a_log_that_takes_information_and_other_warnings_stay(caplog):
    theirs = logging.getLogger("bitsandbytes.backends.cpu.ops")
    with caplog.at_level(logging.INFO):
        theirs.warning("Failed to load CPU gemm_4bit_forward from kernels-community: %s", "no module")
        theirs.warning("something else")
    assert [(one.levelname, one.getMessage()[:14]) for one in caplog.records] == [
        ("INFO", "Failed to load"), ("WARNING", "something else"),
    ]  # fmt: skip


# on a GPU


@pytest.mark.gpu
@gpu
def test_on_a_gpu_nf4_trains_with_a_paged_optimizer(tiny_folder):
    loaded = base.load(tiny_folder, "ab" * 32, ModelConfig(device="cuda", quantize="nf4"))
    adapter = lora.fresh(loaded.layers, ALL, 4, 8.0, 3)
    optimizer = quantize.optimizer(adapter.parameters(), 1e-2, loaded.backend, loaded.device)
    assert type(optimizer).__name__ == "PagedAdamW"
    losses, ids = [], IDS.to("cuda")
    for _ in range(5):
        with quantize.checkpointed(loaded.model, loaded.device), lora.attached(loaded.layers, adapter):
            out = loaded.model(input_ids=ids, use_cache=False).logits.float()
            step = functional.cross_entropy(out[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
            optimizer.zero_grad()
            step.backward()
        optimizer.step()
        losses.append(float(step.detach()))
    assert losses[-1] < losses[0]
