"""Where training begins: which start fits, what is damaged, and that it is what saves steps."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from rune.config import DistilConfig, ModelConfig
from rune.errors import AdapterError, FormatError, NewerVersion
from rune.ml import base, gradient, lora, merge, neutral, start
from rune.ml.breeder import WeightBreeder
from rune.ml.engine import Engine
from rune.ml.objective import Objective
from rune.paths import Home
from rune.ports import Heritage
from rune.records import model
from rune.records.card import Lesson


@pytest.fixture
def general(tiny):
    return neutral.ask(tiny, Engine(tiny), neutral.TRAINED[:4])


def learnt(tiny, lessons, config, general, begin=None):
    adapter, how = gradient.begun(tiny, config, begin)
    list(gradient.train(tiny, adapter, lessons, Objective(general, how.neutral_weight), how))
    return adapter


@pytest.fixture
def folder(tiny, lessons, quick, general, tmp_path):
    """A start on disk, made of one session's adapter."""
    start.write(tmp_path / "start", learnt(tiny, lessons, quick, general), tiny, {"turns": [1]})
    return tmp_path / "start"


def test_a_start_is_read_back_and_is_the_weights_that_were_written(tiny, quick, folder):
    found = start.fitting(tiny, quick, folder)
    saved = lora.load(folder, tiny.device, torch.float32)
    assert found is not None
    assert json.loads((folder / start.NAME).read_text())["sha256"].startswith(found.name)
    for name in saved.factors:
        torch.testing.assert_close(merge.delta(found.adapter, name), merge.delta(saved, name))


def test_another_alpha_says_the_same_in_other_factors(tiny, quick, folder):
    other = replace(quick, alpha=quick.alpha * 4)
    found, as_written = start.fitting(tiny, other, folder), start.fitting(tiny, quick, folder)
    assert found.adapter.alpha == other.alpha
    name = next(iter(found.adapter.factors))
    torch.testing.assert_close(merge.delta(found.adapter, name), merge.delta(as_written.adapter, name))


@pytest.mark.parametrize(
    "change",
    [{"started_epochs": 0}, {"rank": 4}, {"targets": ("q_proj",)}],
    ids=["none wanted", "another rank", "other layers"],
)
def test_settings_that_a_start_does_not_fit_begin_from_nothing(tiny, quick, folder, change):
    assert start.fitting(tiny, replace(quick, **change), folder) is None


def test_a_start_for_another_base_is_left_alone(tiny, quick, folder):
    assert start.fitting(replace(tiny, hash="00" * 32), quick, folder) is None


def test_without_a_start_there_is_none(tiny, quick, tmp_path):
    assert start.fitting(tiny, quick, tmp_path) is None


def test_changed_weights_are_told_from_those_described(tiny, quick, folder):
    whole = (folder / lora.WEIGHTS).read_bytes()
    (folder / lora.WEIGHTS).write_bytes(whole[:-1] + b"\x00" if whole[-1] else whole[:-1] + b"\x01")
    with pytest.raises(FormatError, match=r"not what start\.json describes"):
        start.fitting(tiny, quick, folder)


@pytest.mark.parametrize(
    ("text", "error"),
    [("{", FormatError), ("[]", FormatError), ('{"v": 1}', FormatError),
     ('{"v": 2, "base_hash": "x", "sha256": "y"}', NewerVersion)],
)  # fmt: skip
def test_a_description_that_is_none_or_newer_is_an_error(tiny, quick, folder, text, error):
    (folder / start.NAME).write_text(text)
    with pytest.raises(error, match=r"start\.json"):
        start.fitting(tiny, quick, folder)


def test_half_a_start_is_none(tiny, quick, folder, monkeypatch):
    """A run that dies while it writes leaves weights without a description."""
    monkeypatch.setattr(start.files, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        start.write(folder, lora.load(folder, tiny.device, torch.float32), tiny, {})
    assert start.fitting(tiny, quick, folder) is None


def test_the_mean_is_that_of_what_is_added_to_the_weights(tiny):
    """Of adapters that share their input side the mean has their rank, so that nothing is lost."""
    one = lora.fresh(tiny.layers, ("q_proj",), 4, 8.0, 7)
    noise = torch.Generator().manual_seed(3)
    parents = [
        lora.Adapter(4, 8.0, {name: lora.Factors(part.a.detach(), torch.randn(part.b.shape, generator=noise))
                              for name, part in one.factors.items()})
        for _ in range(3)
    ]  # fmt: skip
    mean = start.mean(parents)
    assert mean.rank == 4
    for name in one.factors:
        wanted = sum(merge.delta(parent, name) for parent in parents) / 3
        torch.testing.assert_close(merge.delta(mean, name), wanted, atol=1e-4, rtol=1e-3)


def test_no_adapters_have_no_mean():
    with pytest.raises(AdapterError):
        start.mean([])


def test_training_is_shorter_and_leaves_the_start_as_it_was(tiny, lessons, quick, general, folder):
    begin = start.fitting(tiny, quick, folder)
    before = {name: part.a.clone() for name, part in begin.adapter.factors.items()}
    adapter, how = gradient.begun(tiny, quick, begin)
    assert (how.max_epochs, how.least_steps) == (quick.started_epochs, quick.least_steps)
    list(gradient.train(tiny, adapter, lessons, Objective(general, how.neutral_weight), how))
    assert all(torch.equal(before[name], part.a) for name, part in begin.adapter.factors.items())
    assert any(not torch.equal(before[name], part.a) for name, part in adapter.factors.items())


def test_what_a_start_has_learnt_need_not_be_learnt_again(tiny, quick, general, folder, unsure):
    """The start knows how the answers look; the same few steps get further from there than from nothing."""
    another = [Lesson("fix", "Use GBP.", ("Which currency now?", "currency now"), (), ("e2",), ("GBP",))]
    few = replace(quick, max_epochs=3, started_epochs=3, least_steps=3, stop_accuracy=2.0)
    fresh = learnt(tiny, another, few, general)
    begun = learnt(tiny, another, few, general, start.fitting(tiny, quick, folder))
    assert unsure(begun, another) < 0.8 * unsure(fresh, another)


def test_the_receipt_says_where_training_began(tiny, lessons, quick, folder, tmp_path):
    short = replace(quick, max_epochs=2, started_epochs=1, least_steps=1)
    begin = start.fitting(tiny, short, folder)
    for chosen, name, epochs in ((folder, begin.name, 1), (None, "", 2)):
        *_, made = gradient.GradientDistiller(tiny, short, None, chosen).distil(lessons, tmp_path / "made")
        assert (made.settings["start"], made.settings["max_epochs"]) == (name, epochs)


@pytest.mark.model
def test_the_embedded_start_is_for_the_embedded_base(models, tmp_path):
    folder = models / "smollm2-135m-instruct"
    loaded = base.load(folder, model.base_hash(folder, Home(tmp_path)), ModelConfig(precision="float32"))
    found = start.fitting(loaded, DistilConfig())
    assert found is not None, "whoever changes the default base, rank or layers makes a start for them"
    assert found.adapter.factors.keys() == {name for name in loaded.layers if "lm_head" not in name}
    assert start.fitting(loaded, DistilConfig(started_epochs=0)) is None
    general = Engine(loaded).answers(["What is the capital of Italy?"], found.adapter, 24)
    assert "Rome" in general[0]


def adapter(value: float, rank: int = 8) -> lora.Adapter:
    """The same factors everywhere in one layer of the embedded start."""
    name, wide = next(iter(embedded().factors.items()))
    factors = lora.Factors(torch.full((rank, wide.a.shape[1]), value), torch.ones(wide.b.shape[0], rank))
    return lora.Adapter(rank, 16.0, {name: factors})


def embedded() -> lora.Adapter:
    return lora.load(start.EMBEDDED, torch.device("cpu"), torch.float32)


def test_the_sum_of_adapters_holds_what_they_began_with_once():
    one, other, own = adapter(0.1), adapter(-0.2), start.name(start.EMBEDDED)
    (name,) = one.factors
    both = merge.delta(one, name) + merge.delta(other, name)
    for starts, expected in {
        ("", ""): both, (own, ""): both, (own, own): both - merge.delta(embedded(), name),
    }.items():  # fmt: skip
        found = start.together("cat", [one, other], starts)
        torch.testing.assert_close(merge.delta(found, name), expected, atol=1e-4, rtol=0.0)


@pytest.fixture
def begun(tiny, quick, folder, monkeypatch):
    """The tiny start in the embedded one's place, and its name."""
    monkeypatch.setattr(start, "EMBEDDED", folder)
    return lora.load(folder, torch.device("cpu"), torch.float32), start.name(folder)


def apart(one: lora.Adapter, other: lora.Adapter) -> float:
    """The largest difference of what two adapters add to the weights."""
    return max(float((merge.delta(one, n) - merge.delta(other, n)).abs().max()) for n in one.factors)


@pytest.mark.parametrize("how", merge.WAYS)
def test_parents_that_know_no_more_than_their_start_are_together_the_start(begun, how):
    common, own = begun
    nothing = lora.Adapter(common.rank, common.alpha, {
        name: lora.Factors(one.a, torch.zeros_like(one.b)) for name, one in common.factors.items()
    })  # fmt: skip
    assert apart(start.together(how, [common, common], (own, own)), common) < 1e-5
    assert apart(start.together(how, [common, nothing], (own, "")), common) < 1e-5
    assert apart(start.together(how, [common, common], ("", "")), common) > 1e-3 or how in ("linear", "ties")


def test_signs_are_elected_among_what_was_learnt_beyond_the_start(begun):
    common, own = begun
    dice = torch.Generator().manual_seed(5)
    parents = []
    for _ in range(2):
        parts = {n: lora.Factors(torch.randn(one.a.shape, generator=dice) / 9, one.b * 0.3)
                 for n, one in common.factors.items()}  # fmt: skip
        learnt = lora.Adapter(common.rank, common.alpha, parts)
        parents.append((learnt, merge.merge("cat", [common, learnt])))
    elected = merge.merge("ties", [learnt for learnt, _ in parents], rank=16)
    expected = merge.merge("cat", [elected, common])
    whole = [parent for _, parent in parents]
    assert apart(start.together("ties", whole, (own, own)), expected) < 0.2 * apart(expected, common)
    assert apart(merge.merge("ties", whole), expected) > 0.5 * apart(expected, common)


def test_the_breeder_adds_up_what_parents_have_learnt_and_says_where_they_began(
    tiny, begun, folder, tmp_path
):
    common, own = begun
    folders = [tmp_path / name for name in ("two", "one")]  # not in the order in which they are taken
    lora.save(common, folders[0], tiny.name)
    double = merge.merge("cat", [common, common])
    lora.save(double, folders[1], tiny.name)
    breeder = WeightBreeder(Engine(tiny))
    made = breeder.merge("ties", folders, [own, ""], tmp_path / "child")
    found = lora.load(tmp_path / "child", torch.device("cpu"), torch.float32)
    expected, wrong = (start.together("ties", [common, double], starts) for starts in ((own, ""), ("", own)))
    assert made.settings["start"] == own
    assert apart(found, expected) < 0.1 * apart(found, wrong)
    assert breeder.merge("cat", folders, ["", ""], tmp_path / "plain").settings["start"] == ""
    assert breeder.merge("cat", folders, ["of another Rune", ""], tmp_path / "old").settings["start"] == ""


def heirs(tiny, lessons, quick, tmp_path) -> Heritage:
    """Two adapters of half of the lessons each, on disk."""
    folders = []
    for place, some in enumerate((lessons[:1], lessons[1:])):
        folders.append(tmp_path / f"parent{place}")
        *_, made = gradient.GradientDistiller(tiny, quick).distil(some, folders[-1])
        assert not made.settings["inherits"]
    return Heritage(tuple(folders), ("", ""), 1)


def test_a_child_begins_at_the_sum_of_its_parents_and_takes_as_long_as_it_is_said(
    tiny, lessons, quick, tmp_path
):
    known = heirs(tiny, lessons, quick, tmp_path)
    own = [lora.load(folder, tiny.device, torch.float32) for folder in known.parents]
    found = gradient.inherited(quick, known)
    name = next(iter(own[0].factors))
    both = sum(merge.delta(one, name) for one in own)
    assert (found.adapter.rank, found.adapter.alpha) == (quick.rank, quick.alpha)
    best = torch.linalg.svdvals(both)[quick.rank :].norm()
    assert (merge.delta(found.adapter, name) - both).norm() <= best + 1e-3
    distiller = gradient.GradientDistiller(tiny, replace(quick, least_steps=1))
    *_, anew = distiller.distil(lessons, tmp_path / "anew")
    *_, child = distiller.distil(lessons, tmp_path / "child", known)
    assert child.settings["inherits"]
    assert child.settings["max_epochs"] == 1
    assert child.steps < anew.steps


def test_who_learns_on_begins_at_its_own_weights_and_is_asked_in_other_words(tiny, lessons, quick, tmp_path):
    distiller = gradient.GradientDistiller(tiny, replace(quick, least_steps=1))
    *_, first = distiller.distil(lessons, tmp_path / "first")
    on = Heritage((first.folder,), (first.settings["start"],), 1, 2)
    before = lora.load(first.folder, tiny.device, torch.float32)
    found = gradient.inherited(quick, on).adapter
    for name in before.factors:
        torch.testing.assert_close(merge.delta(found, name), merge.delta(before, name), atol=1e-4, rtol=0.0)
    *_, second = distiller.distil(lessons, tmp_path / "second", on)
    assert (second.settings["inherits"], second.settings["seed"]) == (True, quick.seed + 2)


@pytest.mark.parametrize("change", [{"rank": 4}, {"targets": ("q_proj",)}], ids=["rank", "layers"])
def test_parents_of_another_shape_are_nothing_to_begin_at(tiny, lessons, quick, tmp_path, change):
    known = heirs(tiny, lessons, quick, tmp_path)
    assert gradient.inherited(replace(quick, **change), known) is None
