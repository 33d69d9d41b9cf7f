"""The hypernetwork against the plain twin, against PEFT, and against itself with other padding."""

from __future__ import annotations

import pytest
import torch
from peft import PeftModel
from tests.ml.hypernet.conftest import small_shape
from torch.testing import assert_close
from transformers import AutoModelForCausalLM

from rune.bench.hypernet import naive
from rune.bench.hypernet.numerics import disturbed
from rune.errors import ConfigError
from rune.ml import lora
from rune.ml.hypernet.features import chunks, features, padded
from rune.ml.hypernet.joining import batched, exported, joined
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.shape import check_base

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks
TEXT = "The deploy port is harbor. Step 2. The vault key is maple."
STEP = 1e-5


def read(base, network, pieces):
    ids, mask = padded(pieces, base.device)
    return features(base, ids, mask, network.shape), mask


def pieces_of(base, network, text=TEXT):
    return chunks(base.tokenizer.encode(text, add_special_tokens=False), network.shape)


def logits(base, adapter=None, question="What is the deploy port?"):
    with torch.inference_mode(), lora.attached(base.layers, adapter):
        return base.model(input_ids=torch.tensor([base.prompt(question)])).logits.float()


# what it computes


def test_rows_are_those_of_the_plain_twin_and_they_matter(tiny, network):
    """naive_max_abs_diff <= 1e-6, lora_effect_max_abs >= 0.1."""
    pieces = pieces_of(tiny, network)
    states, mask = read(tiny, network, pieces)
    with torch.no_grad():
        made = network(states, mask)
        effect = exported(tiny, network, joined(network, made, [len(pieces)]))
    weights = {name: weight.detach() for name, weight in network.state_dict().items()}
    for place in (0, len(pieces) - 1):
        twin = naive.rows(states[place], int(mask[place].sum()), weights, network.shape)
        for name, (a, b) in twin.items():
            assert float((made[name].a[place] - a).abs().max()) <= 1e-6
            assert float((made[name].b[place] - b).abs().max()) <= 1e-6
    assert float((logits(tiny, effect) - logits(tiny)).abs().max()) >= 0.1


def test_features_are_what_each_block_reads_and_the_last_is_normed(tiny):
    ids = torch.tensor([tiny.prompt("Which?")])
    whole = tiny.model.model(input_ids=ids, output_hidden_states=True).hidden_states
    got = features(tiny, ids, torch.ones_like(ids, dtype=torch.bool), small_shape(tiny))
    assert torch.equal(got[:, 0], whole[0])
    assert torch.equal(got[:, 1], tiny.model.model.norm(whole[1]))
    early = features(tiny, ids, torch.ones_like(ids, dtype=torch.bool),
                     small_shape(tiny, features="early_exit", exit=1))  # fmt: skip
    assert torch.equal(early[:, 0], tiny.model.model.norm(whole[1]))
    assert len(tiny.model.model.layers) == 2, "the model is whole again"


def test_at_the_start_nothing_changes_bit_for_bit(tiny):
    fresh = Hypernetwork(small_shape(tiny, ("down_proj", "q_proj")))
    pieces = pieces_of(tiny, fresh)
    adapter = exported(tiny, fresh, joined(fresh, fresh(*read(tiny, fresh, pieces)), [len(pieces)]))
    assert all(not part.b.any() and part.a.any() for part in adapter.factors.values())
    assert torch.equal(logits(tiny, adapter), logits(tiny))


def test_padding_makes_no_difference(tiny, network):
    short, long = [1, 40, 41, 42, 2], [1, *range(40, 60), 2]
    with torch.no_grad():
        alone = network(*read(tiny, network, [short]))
        beside = network(*read(tiny, network, [short, long]))
    for name, rows in alone.items():
        assert_close(beside[name].a[:1], rows.a, rtol=0, atol=2e-6)
        assert_close(beside[name].b[:1], rows.b, rtol=0, atol=2e-6)
        assert float((beside[name].a[1] - rows.a[0]).abs().max()) > 1e-3, "the text must matter"


def test_every_weight_gets_the_gradient_that_small_steps_measure(tiny):
    network = disturbed(Hypernetwork(small_shape(tiny))).double()
    states, mask = read(tiny, network, [[1, 40, 41, 2], [1, 50, 2]])

    def total() -> torch.Tensor:
        made = network(states.double(), mask)["down_proj"]
        return (made.a.sin().sum() + made.b.cos().sum()) / 100

    total().backward()
    for name, weight in network.named_parameters():
        if name.startswith("bias_"):
            continue
        place = int(weight.grad.abs().argmax())
        with torch.no_grad():
            flat = weight.view(-1)
            flat[place] += STEP
            up = float(total())
            flat[place] -= 2 * STEP
            down = float(total())
            flat[place] += STEP
        measured = (up - down) / (2 * STEP)
        assert float(weight.grad.flatten()[place]) == pytest.approx(measured, rel=1e-4, abs=1e-8), name


# chunks


def test_a_text_is_cut_into_equal_pieces_between_prefix_and_suffix(tiny):
    shape = small_shape(tiny, chunk=4)
    assert chunks(range(10, 20), shape) == [[1, 10, 11, 12, 2], [1, 13, 14, 15, 16, 2], [1, 17, 18, 19, 2]]
    assert chunks([10], shape) == [[1, 10, 2]]
    assert chunks([], shape) == [[1, 2]]


def test_chunks_and_bias_add_up(tiny, network):
    pieces = pieces_of(tiny, network)
    assert len(pieces) > 1
    with torch.no_grad():
        made = network(*read(tiny, network, pieces))
        whole = joined(network, made, [len(pieces)])
        for name, rows in whole.items():
            product = rows.b[0].mT @ rows.a[0]
            parts = sum(b.mT @ a for a, b in zip(made[name].a, made[name].b, strict=True))
            bias = network.bias_b[name].mT @ network.bias_a[name]
            assert rows.a.shape[2] == network.shape.rank * (len(pieces) + 1)
            assert_close(product, parts + bias, rtol=1e-5, atol=1e-6)


def test_a_batch_of_contexts_equals_each_alone(tiny, network):
    texts = [pieces_of(tiny, network, text) for text in ("Port harbor.", TEXT, "The key is maple.")]
    with torch.no_grad():
        flat = [piece for text in texts for piece in text]
        whole = joined(network, network(*read(tiny, network, flat)), [len(text) for text in texts])
        ids = torch.tensor([tiny.prompt("Which?")]).expand(4, -1)
        with lora.attached(tiny.layers, batched(tiny, network, whole, [2, 0, 1, 1])):
            together = tiny.model(input_ids=ids).logits
        for row, text in enumerate((2, 0, 1, 1)):
            alone = joined(network, network(*read(tiny, network, texts[text])), [len(texts[text])])
            assert_close(together[row : row + 1], logits(tiny, exported(tiny, network, alone), "Which?"),
                         rtol=1e-4, atol=1e-4)  # fmt: skip


# what leaves it


@pytest.mark.model
def test_peft_gives_the_same_logits_on_the_real_base(real, models, tmp_path):
    """export_max_abs_diff <= 1e-4."""
    torch.manual_seed(3)
    shape = small_shape(real, ("down_proj", "q_proj"), width=32, projection=64, layers=(3, 17, 29), chunk=9)
    network = disturbed(Hypernetwork(shape))
    pieces = pieces_of(real, network)
    with torch.no_grad():
        whole = joined(network, network(*read(real, network, pieces)), [len(pieces)])
        live = batched(real, network, whole, [0])
        folded = exported(real, network, whole)
    lora.save(folded, tmp_path, real.name, torch.float32)
    fresh = AutoModelForCausalLM.from_pretrained(models / "smollm2-135m-instruct", dtype=torch.float32)
    twin = PeftModel.from_pretrained(fresh.eval(), str(tmp_path)).eval()
    ids = torch.tensor([real.prompt("What is the deploy port?")])
    with torch.inference_mode():
        theirs = twin(input_ids=ids).logits
    assert float((logits(real, live) - theirs).abs().max()) <= 1e-4
    assert float((logits(real, lora.load(tmp_path, real.device, real.dtype)) - theirs).abs().max()) <= 1e-4
    assert float((logits(real) - theirs).abs().max()) >= 0.1


def test_another_base_is_refused_with_both_sizes_named(tiny):
    with pytest.raises(ConfigError, match=r"width 99"):
        check_base(small_shape(tiny, hidden=99), tiny)
    with pytest.raises(ConfigError, match="layers"):
        Hypernetwork(small_shape(tiny, layers=(1, 0)))
