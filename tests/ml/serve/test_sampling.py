from __future__ import annotations

from collections import Counter

import pytest
import torch

from rune.ml.serve.sampling import Chooser, choose
from rune.serving.types import Sampling

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 3.0])


def test_without_a_temperature_the_most_likely_token_is_taken():
    assert choose([Chooser(Sampling())] * 2, torch.stack([LOGITS, -LOGITS])) == [4, 3]


def test_a_seed_draws_the_same_tokens_again_and_another_one_others():
    def drawn(seed):
        chooser = Chooser(Sampling(temperature=1.0, seed=seed))
        return [chooser.choose(LOGITS) for _ in range(20)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_tokens_are_drawn_as_often_as_they_are_likely(top_p):
    chooser = Chooser(Sampling(temperature=1.5, top_p=top_p, seed=3))
    counts = Counter(chooser.choose(LOGITS) for _ in range(4000))
    chances = (LOGITS / 1.5).softmax(-1)
    order = chances.argsort(descending=True)
    kept = [int(t) for n, t in enumerate(order) if float(chances[order][:n].sum()) < top_p]
    for token in range(len(LOGITS)):
        expected = float(chances[token] / chances[kept].sum()) if token in kept else 0.0
        assert counts[token] / 4000 == pytest.approx(expected, abs=0.03)


def test_the_narrowest_nucleus_is_one_token():
    chooser = Chooser(Sampling(temperature=2.0, top_p=0.0, seed=1))
    assert {chooser.choose(LOGITS) for _ in range(20)} == {4}
