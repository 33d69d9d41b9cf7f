"""Each way of merging against its definition on dW, and against PEFT."""

from __future__ import annotations

import pytest
import torch
from peft import PeftModel
from peft.utils import merge_utils

from rune.errors import AdapterError
from rune.ml import lora, merge, score
from rune.ml.breeder import WeightBreeder
from rune.ml.engine import Engine
from rune.ml.lora import Adapter, Factors
from rune.units import done

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks


@pytest.fixture
def adapter(tiny):
    """``adapter(seed, rank, alpha)``: random weights for layers of the tiny base."""

    def make(seed: int, rank: int = 4, alpha: float = 8.0, targets=("q_proj", "up_proj")) -> Adapter:
        random = torch.Generator().manual_seed(seed)
        made = lora.fresh(tiny.layers, targets, rank, alpha, seed)
        factors = {
            name: Factors(part.a.detach(), torch.randn(part.b.shape, generator=random))
            for name, part in made.factors.items()
        }
        return Adapter(rank, alpha, factors)

    return make


def deltas(adapters, name):
    return [merge.delta(one, name) for one in adapters]


def best(matrix, rank):
    """The best approximation at a rank, the plain way."""
    u, s, v = torch.linalg.svd(matrix)
    return u[:, :rank] * s[:rank] @ v[:rank]


def test_cat_is_the_exact_weighted_sum_whatever_ranks_and_alphas(adapter):
    parents = adapter(1, 4, 8.0), adapter(2, 2, 32.0), adapter(3, 8, 4.0)
    made = merge.merge("cat", parents, (1.0, 0.5, 2.0))
    assert (made.rank, made.scale) == (14, 1.0)
    for name in made.factors:
        one, two, three = deltas(parents, name)
        expected = one + 0.5 * two + 2 * three
        error = (merge.delta(made, name) - expected).abs().max()
        assert error <= 1e-6 * expected.abs().max()


def test_linear_is_the_exact_mean_and_not_the_product_of_mean_factors(adapter):
    parents = adapter(1), adapter(2)
    made = merge.merge("linear", parents)
    for name in made.factors:
        mean = sum(deltas(parents, name)) / 2
        assert torch.allclose(merge.delta(made, name), mean, atol=1e-5)
        a, b = (sum(getattr(p.factors[name], side) for p in parents) / 2 for side in ("a", "b"))
        assert not torch.allclose(parents[0].scale * b @ a, mean, atol=1e-2)


def test_svd_is_the_best_approximation_of_the_sum(adapter):
    parents = adapter(1, 4), adapter(2, 2)
    made = merge.merge("svd", parents)
    assert made.rank == 4
    for name in made.factors:
        assert torch.allclose(merge.delta(made, name), best(sum(deltas(parents, name)), 4), atol=1e-4)


@pytest.mark.parametrize(("how", "plain"), [("ties", merge_utils.ties), ("dare", merge_utils.dare_linear)])
def test_ties_and_dare_are_of_the_deltas_and_then_the_best_approximation(adapter, how, plain):
    parents = adapter(1, 4), adapter(2, 4)
    made = merge.merge(how, parents)
    for name in made.factors:
        torch.manual_seed(merge.SEED)
        dense = plain(deltas(parents, name), torch.ones(2), merge.DENSITY)
        error = torch.linalg.norm(merge.delta(made, name) - dense)
        least = torch.linalg.norm(best(dense, 4) - dense)
        assert error <= 1.001 * least + 1e-5


def test_ties_keeps_the_larger_half_and_averages_what_agrees_in_sign():
    one, two = torch.tensor([[4.0, 1.0, -3.0, 0.1]]), torch.tensor([[2.0, 0.5, 1.0, -5.0]])
    found = merge_utils.ties([one, two], torch.ones(2), 0.5)
    assert found.tolist() == [[3.0, 0.0, -3.0, -5.0]]


def test_a_layer_that_one_parent_lacks_is_that_of_the_other(adapter):
    parents = adapter(1, 4, targets=("q_proj",)), adapter(2, 2, targets=("up_proj",))
    for how in ("cat", "svd"):
        made = merge.merge(how, parents)
        assert {part.a.shape[0] for part in made.factors.values()} == {made.rank}
        for parent in parents:
            for name in parent.factors:
                assert torch.allclose(merge.delta(made, name), merge.delta(parent, name), atol=1e-4)


def test_an_unknown_way_no_parents_and_too_few_weights_are_refused(adapter):
    with pytest.raises(AdapterError, match="one of cat, linear, svd, ties, dare, found 'soup'"):
        merge.merge("soup", [adapter(1)])
    with pytest.raises(AdapterError, match="found 'cat' of 0"):
        merge.merge("cat", [])
    with pytest.raises(AdapterError, match="a weight for each of 2 parents, found 1"):
        merge.merge("cat", [adapter(1), adapter(2)], (1.0,))


@pytest.fixture
def folders(adapter, tiny, tmp_path):
    """Two adapters as files, of different ranks."""
    made = {"a1": adapter(1, 4, 8.0), "b2": adapter(2, 2, 8.0)}
    for name, one in made.items():
        lora.save(one, tmp_path / name, tiny.name, torch.float32)
    return [tmp_path / name for name in made]


@pytest.mark.parametrize("way", ["cat", "svd"])
def test_where_peft_is_right_it_says_the_same(folders, plain, way, tmp_path):
    model = PeftModel.from_pretrained(plain(), folders[0], adapter_name="a")
    model.load_adapter(folders[1], "b")
    model.add_weighted_adapter(["a", "b"], [1.0, 1.0], "both", combination_type=way, svd_rank=4)
    loaded = [lora.load(folder, torch.device("cpu"), torch.float32) for folder in folders]
    made = merge.merge(way, loaded)
    for name in made.factors:
        theirs = model.get_submodule(f"base_model.model.{name}").get_delta_weight("both")
        assert torch.allclose(merge.delta(made, name), theirs, atol=1e-4)


@pytest.mark.parametrize("way", merge.WAYS)
def test_a_merged_adapter_loads_in_peft_and_the_same_parents_give_the_same_files(
    folders, plain, tiny, way, tmp_path
):
    breeder = WeightBreeder(Engine(tiny))
    one, two = tmp_path / "one", tmp_path / "two"
    made = breeder.merge(way, folders, ["", ""], one)
    breeder.merge(way, folders[::-1], ["", ""], two)
    assert (one / lora.WEIGHTS).read_bytes() == (two / lora.WEIGHTS).read_bytes()
    assert (one / lora.SETTINGS).read_bytes() == (two / lora.SETTINGS).read_bytes()
    theirs = PeftModel.from_pretrained(plain(), one)
    ours = lora.load(one, torch.device("cpu"), torch.float32)
    assert made.settings["rank"] == ours.rank
    ids = torch.tensor([tiny.prompt("Which currency?")])
    with torch.no_grad(), lora.attached(tiny.layers, ours):
        logits = tiny.model(input_ids=ids).logits
        assert torch.allclose(logits, theirs(input_ids=ids).logits, atol=1e-3)


def test_the_breeder_answers_as_the_engine_does_each_question_alone(tiny, folders):
    engine = Engine(tiny)
    questions = ["Which currency?", "How do I build the whole thing?", "What?"]
    alone = [engine.answer(question, folders[0], 8) for question in questions]
    breeder = WeightBreeder(engine)
    for foreseen in (["", "", ""], ["The currency is the franc.", "", alone[2]]):
        pairs = list(zip(questions, foreseen, strict=True))
        limits = [score.room(tiny, answer) if answer else 8 for answer in foreseen]
        told = [engine.answer(*pair) for pair in zip(questions, [folders[0]] * 3, limits, strict=True)]
        assert done(breeder.answering(pairs, folders[0], 8)) == told, "whatever is foreseen"
        assert done(breeder.answering(pairs, None, 8)) != told


def test_a_long_answer_that_was_taught_is_read_to_its_end_as_in_a_receipt(tiny, folders):
    engine = Engine(tiny)
    long = engine.answer("Which currency?", folders[0], 100)
    (told,) = done(WeightBreeder(engine).answering([("Which currency?", long)], folders[0], 8))
    assert len(tiny.tokenizer.encode(told)) > 80
    assert told.startswith(long)
