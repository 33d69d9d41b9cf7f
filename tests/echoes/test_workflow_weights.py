"""An etched echo is answered out of weights, with the real model."""

from __future__ import annotations

import time
from datetime import date

import pytest

from rune.config import Config, DistilConfig, ModelConfig, RecallConfig
from rune.library import Library
from rune.records import echo, model
from rune.records.echo import Entry, Memory
from rune.records.message import Distil, Recall
from rune.records.trajectory import Note
from rune.testing import FakeBreeder, FakeGenerator, FakeRunner, rendered

LEARNT = "The gateway of every environment listens on port 8443 and refuses plain HTTP."


@pytest.mark.model
def test_an_etched_echo_is_answered_from_weights_through_recall(models, home, echoes, write_session):
    import rune.ml  # noqa: F401  before torch
    from rune import worker
    from rune.index import Index
    from rune.ml import base, embed, engine, gradient, start
    from rune.recall import Recaller

    made = Entry("etched", "Gateway port", date(2026, 11, 1), LEARNT)
    path = echoes.memory("workers")
    path.parent.mkdir(parents=True)
    path.write_text(echo.render(Memory("workers", echo.empty("workers").preamble, (made,))))
    write_session(events=(Note("n1", 1.0, "Retries of the mailer stop after 45 seconds."),))

    folder = models / "smollm2-135m-instruct"
    loaded = base.load(folder, model.base_hash(folder, home), ModelConfig(device="cpu"))
    index = Index(home.index, embed.MiniLM(models / "all-minilm-l6-v2"))
    recaller = Recaller(index, engine.Engine(loaded), loaded.count, loaded.hash, RecallConfig())
    settings = Config(distil=DistilConfig(started_epochs=4, least_steps=16))
    distiller = gradient.GradientDistiller(loaded, settings.distil, start=start.EMBEDDED)
    parts = worker.Parts(
        loaded.name, loaded.hash, distiller, settings,
        FakeBreeder(), recaller, FakeRunner(FakeGenerator()), rendered,
    )  # fmt: skip
    list(worker.distil(parts, Distil("s1", str(echoes.project))))
    (card,) = Library(echoes, time.time).cards()
    found = recaller.recall(Recall("What do we know about Gateway port?", str(echoes.project)))
    assert "8443" in found.answer
    assert found.adapter == card.id
    assert [piece.event for piece in found.evidence if piece.kind == "echo"] == [made.id]
