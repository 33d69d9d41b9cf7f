"""The hypernetwork behind the port: used where its probes say so, and handing over where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from peft import PeftModel
from tests.ml.hypernet.conftest import small_shape
from torch.testing import assert_close

from rune import app, units
from rune.bench.hypernet.numerics import disturbed
from rune.cli import main
from rune.config import Config, DistilConfig
from rune.errors import ConfigError, FormatError
from rune.ml import gradient, lora, neutral
from rune.ml.hypernet import checkpoint, distiller
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.objective import Objective
from rune.ports import Distilled, Heritage, Progress
from rune.records.card import Lesson
from rune.testing import FakeDistiller, parts
from rune.worker.learning import receipt

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks
EASY = DistilConfig(hypernet_floor=0.0)


@pytest.fixture
def small(tiny) -> Hypernetwork:
    torch.manual_seed(2)
    return disturbed(Hypernetwork(small_shape(tiny, chunk=24)))


def test_a_session_becomes_peft_files_in_one_pass(tiny, plain, small, lessons, tmp_path):
    made = list(distiller.HypernetDistiller(tiny, small, EASY, FakeDistiller()).distil(lessons, tmp_path))
    *progress, done = made
    assert all(isinstance(one, Progress) for one in progress)
    assert isinstance(done, Distilled)
    chunks = done.settings["chunks"]
    assert chunks > 1
    assert (done.engine, done.steps, done.settings["rank"]) == ("hypernet", 0, 4 * (chunks + 1))
    assert {"trained", "heldout", "neutral_kl"} <= done.probes_after.keys()
    twin = PeftModel.from_pretrained(plain(), str(tmp_path)).eval()
    ids = torch.tensor([tiny.prompt("Which currency?")])
    with torch.inference_mode(), lora.attached(tiny.layers, lora.load(tmp_path, tiny.device, tiny.dtype)):
        assert_close(tiny.model(input_ids=ids).logits, twin(input_ids=ids).logits, rtol=1e-4, atol=1e-4)


def test_where_its_probes_fail_the_other_distiller_takes_over(tiny, small, lessons, tmp_path):
    both = distiller.HypernetDistiller(tiny, small, DistilConfig(hypernet_floor=0.9), FakeDistiller())
    *_, done = both.distil(lessons, tmp_path)
    assert isinstance(done, Distilled)
    assert done.engine == "gradient"


def test_who_learns_on_is_taught_by_gradient_steps(tiny, small, lessons, tmp_path):
    both = distiller.HypernetDistiller(tiny, small, EASY, FakeDistiller())
    engines = []
    for course in (0, 1):
        *_, done = both.distil(lessons, tmp_path, Heritage((tmp_path,), ("",), 2, course))
        assert isinstance(done, Distilled)
        engines.append(done.engine)
    assert engines == ["hypernet", "gradient"], "it would generate the same again"


def test_both_distillers_keep_what_the_base_says_to_general_questions_in_one_list(
    tiny, small, quick, tmp_path, monkeypatch
):
    kept = tmp_path / "general.json"
    made = distiller.HypernetDistiller(tiny, small, EASY, FakeDistiller(), kept)
    checked = units.done(made._general())
    steps = gradient.GradientDistiller(tiny, quick, kept)
    asked, ask = [], steps.engine.answering
    monkeypatch.setattr(steps.engine, "answering", lambda *how: [asked.extend(how[0]), ask(*how)][1])
    trained, again = units.done(steps.general())
    assert asked == list(neutral.TRAINED), "only what the other one had not asked"
    assert len(trained.examples) == len(neutral.TRAINED)
    assert [one.ids for one in again.examples] == [one.ids for one in checked.examples]


def test_without_held_out_probes_it_is_not_trusted(tiny, small, lessons, tmp_path):
    blind = [Lesson(one.kind, one.answer, one.questions, (), one.evidence, one.keys) for one in lessons]
    *_, done = distiller.HypernetDistiller(tiny, small, EASY, FakeDistiller()).distil(blind, tmp_path)
    assert isinstance(done, Distilled)
    assert done.engine == "gradient"


def test_the_receipt_says_what_made_the_adapter(tiny, small, lessons, tmp_path, home, write_session):
    from rune.records import trajectory

    past = trajectory.read(write_session())
    *_, done = distiller.HypernetDistiller(tiny, small, EASY, FakeDistiller()).distil(lessons, tmp_path)
    card = receipt(parts(home), past, lessons, done, "")
    assert (card.engine, card.rank, card.targets) == ("hypernet", done.settings["rank"], ("down_proj",))


def test_many_chunks_are_read_in_parts_without_a_difference(tiny, small, monkeypatch):
    text = "The port is 8080 and the key is maple. " * 12
    whole, number = distiller.generate(tiny, small, text)
    monkeypatch.setattr(distiller, "TOGETHER", 3)
    parted, _ = distiller.generate(tiny, small, text)
    assert number > 6
    for name, part in whole.factors.items():
        assert_close(part.a, parted.factors[name].a, rtol=0, atol=2e-6)
        assert_close(part.b, parted.factors[name].b, rtol=0, atol=2e-5)


def test_gradient_steps_can_start_from_a_generated_adapter(tiny, small, lessons, quick, unsure):
    from rune.ml import neutral
    from rune.ml.engine import Engine

    made, _ = distiller.generate(tiny, small, distiller.digest(lessons))
    start = lora.trainable(made)
    held = neutral.ask(tiny, Engine(tiny), neutral.TRAINED[:4])
    before = unsure(start, lessons)
    list(gradient.train(tiny, start, lessons, Objective(held, quick.neutral_weight), quick))
    assert unsure(start, lessons) < 0.5 * before
    assert start.rank == made.rank


# which distiller is chosen


def test_the_configured_one_is_loaded(tiny, small, home):
    checkpoint.write(home.hypernets / "mine", small, tiny.hash, {})
    chosen = app.distiller(home, tiny, DistilConfig(method="hypernet", hypernet="mine"))
    assert isinstance(chosen, distiller.HypernetDistiller)
    assert isinstance(app.distiller(home, tiny, Config().distil), gradient.GradientDistiller)


def test_what_cannot_be_loaded_is_named(tiny, small, home):
    checkpoint.write(home.hypernets / "foreign", small, "ef" * 32, {})
    with pytest.raises(FormatError, match="absent"):
        app.distiller(home, tiny, DistilConfig(method="hypernet", hypernet="absent"))
    with pytest.raises(ConfigError, match="as it is kept"):
        app.distiller(home, tiny, DistilConfig(method="hypernet", hypernet="foreign"))
    with pytest.raises(ConfigError, match="magic"):
        app.distiller(home, tiny, DistilConfig(method="magic"))


@pytest.mark.parametrize(
    ("held_out", "foreign", "chosen"),
    [(0.5, False, distiller.HypernetDistiller), (0.49, False, gradient.GradientDistiller),
     (1.0, True, gradient.GradientDistiller), (None, False, gradient.GradientDistiller)],
)  # fmt: skip
def test_the_embedded_one_is_used_by_itself_where_its_record_reaches_the_floor(
    tiny, small, home, tmp_path, monkeypatch, held_out, foreign, chosen
):
    monkeypatch.setattr(checkpoint, "EMBEDDED", tmp_path / "embedded")
    assert isinstance(app.distiller(home, tiny, DistilConfig()), gradient.GradientDistiller), "there is none"
    record = {} if held_out is None else {"held_out": {"few": held_out, "one": 1.0}}
    checkpoint.write(tmp_path / "embedded", small, "ef" * 32 if foreign else tiny.hash, record)
    assert isinstance(app.distiller(home, tiny, DistilConfig()), chosen)
    if not foreign:
        wanted = app.distiller(home, tiny, DistilConfig(method="hypernet"))
        assert isinstance(wanted, distiller.HypernetDistiller)


def test_an_export_is_the_same_network_in_half_the_bytes(tiny, small, tmp_path):
    run, into = tmp_path / "run", tmp_path / "small"
    checkpoint.write(run, small, tiny.hash, {"steps": 3})
    (run / "training.csv").write_text("step\n")
    done = CliRunner().invoke(main, ["hypernet", "export", str(run), "--into", str(into)])
    assert done.exit_code == 0, done.output
    network, known = checkpoint.read(into)
    assert (known.dtype, known.base_hash, known.record) == ("bfloat16", tiny.hash, {"steps": 3})
    assert (into / "training.csv").read_text() == "step\n"
    assert all(
        torch.equal(weight, small.state_dict()[name].bfloat16().float())
        for name, weight in network.state_dict().items()
    )


# the command


def test_a_training_run_is_one_command_and_goes_on(tiny_folder: Path, home, tmp_path):
    from click.testing import CliRunner

    from rune.cli import main

    home.root.mkdir(parents=True)
    settings = f'[model]\nbase = "{tiny_folder}"\nprecision = "float32"\ndevice = "cpu"\n'
    home.config.write_text(settings, "utf-8")
    command = ["hypernet", "train", "--into", str(tmp_path / "run"), "--minutes", "0.02"]
    first, second = CliRunner().invoke(main, command), CliRunner().invoke(main, command)
    assert first.exit_code == second.exit_code == 0, (first.output, second.output)
    assert "of 30000 contexts" in first.output
    assert "going on at step" in second.output
    assert checkpoint.about(tmp_path / "run").shape.base == "tiny"
