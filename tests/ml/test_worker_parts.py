"""What the real worker is put together of, on a tiny base."""

import time

import pytest

from rune import app
from rune.config import EvolutionConfig
from rune.evolution import fitness
from rune.ml import base, embed
from rune.records import model
from rune.records.ledger import NEW, Outcome, State
from rune.testing import FakeEmbedder


@pytest.fixture
def parts(home, tiny, tiny_folder, monkeypatch):
    monkeypatch.setattr(model, "locate", lambda home, name: tiny_folder)
    monkeypatch.setattr(base, "resident", lambda home, settings: tiny)
    monkeypatch.setattr(embed, "MiniLM", lambda folder: FakeEmbedder())
    return app.worker_parts(home)


def test_between_equally_relevant_adapters_phi_decides_with_what_came_of_recalls(parts, make_card):
    now = time.time()
    card = make_card(probes_after={"trained": 0.5, "heldout": 0.5})
    used = State("active", outcomes=tuple(Outcome(f"s{n}", now, True) for n in range(9)))
    plain, proved = parts.recaller.fitness(card, NEW), parts.recaller.fitness(card, used)
    assert plain == fitness.of(card, NEW, now, EvolutionConfig()).phi
    assert proved == pytest.approx(fitness.of(card, used, now, EvolutionConfig()).phi, abs=1e-3)
    assert proved > plain
