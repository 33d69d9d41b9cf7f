"""One forward pass of the training: sessions to adapters, adapters to answers, answers to a loss.

The loss is the cross-entropy of the answer's tokens, asked without the session in view: mean over the
tokens of a question, then over questions. Beside it, where the recipe says so: KL(teacher || student) on the
likeliest tokens of the base that has the session in its prompt, and the mean absolute value of all rows. The
base is frozen; gradients reach the hypernetwork through the factors that lie on its layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rune.ml import lora, packing
from rune.ml.base import Base
from rune.ml.hypernet.batches import Batch, rows
from rune.ml.hypernet.corpus.sessions import Session
from rune.ml.hypernet.features import features
from rune.ml.hypernet.joining import Joined, batched, joined
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.packing import Example

LIKELIEST = 16
"""Tokens of the teacher that are compared."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a batch came to."""

    loss: Tensor
    """Mean cross-entropy, in nats."""
    right: Tensor
    """Which questions have every token of their answer as the likeliest, bool [Q]: greedy decoding would give
    exactly that answer."""
    logits: Tensor
    """[A, V] at the A places that predict an answer token, question after question."""
    whole: Joined


def answered(base: Base, network: Hypernetwork, batch: Batch) -> Answered:
    """Generate adapters for the sessions of a batch and answer its questions with them."""
    states = features(base, batch.chunks, batch.seen, network.shape)
    whole = joined(network, network(states.float(), batch.seen), batch.counts)
    adapter = batched(base, network, whole, [one.owner for one in batch.examples])
    logits = _logits(base, batch.ids, batch.targets, adapter)
    wanted = batch.targets[batch.targets >= 0]
    losses = functional.cross_entropy(logits, wanted, reduction="none")
    owner = (batch.targets >= 0).nonzero()[:, 0]
    sums = torch.zeros(len(batch.ids), device=base.device).index_add(0, owner, losses)
    lengths = (batch.targets >= 0).sum(1)
    faults = torch.zeros_like(sums).index_add(0, owner, (logits.detach().argmax(-1) != wanted).float())
    return Answered((sums / lengths).mean(), faults == 0, logits, whole)


def _logits(base: Base, ids: Tensor, targets: Tensor, adapter: lora.Adapter | None) -> Tensor:
    """Ids [Q, T] and targets [Q, T - 1]: logits [A, V] in float32 where a target is."""
    way = "eager" if base.device.type == "cpu" else "sdpa"  # the CPU's fused kernels are slow on short rows
    with packing.attention(base.model, way), lora.attached(base.layers, adapter):
        states = base.model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    logits: Tensor = base.model.lm_head(states[targets >= 0]).float()
    return logits


def sparse(whole: Joined) -> Tensor:
    """Mean absolute value of all rows, bias and zero rows included."""
    parts = [part.abs().mean() for both in whole.values() for part in (both.a, both.b)]
    return torch.stack(parts).mean()


@torch.no_grad()
def taught(base: Base, batch: Batch, sessions: list[Session]) -> tuple[Tensor, Tensor]:
    """The base with the session in its prompt: its likeliest tokens [A, 16] and their log-shares [A, 16].

    Prompt and answer are tokenised apart, so that the answer's tokens are the student's whatever precedes.
    """
    examples = []
    for one, (text, question) in zip(batch.examples, _asked(sessions), strict=True):
        prompt = base.prompt(f"{text}\n\n{question}")
        examples.append(Example((*prompt, *one.ids[one.answer :]), len(prompt)))
    ids, targets = rows(base, examples)
    shares = _logits(base, ids, targets, None).log_softmax(-1)
    found = shares.topk(LIKELIEST, -1)
    return found.indices, found.values


def _asked(sessions: list[Session]) -> list[tuple[str, str]]:
    return [(session.text, asked.question) for session in sessions for asked in session.asked]


def divergence(logits: Tensor, tokens: Tensor, shares: Tensor) -> Tensor:
    """KL(teacher || student) on the teacher's likeliest: logits [A, V], tokens and log-shares [A, 16]."""
    ours = logits.log_softmax(-1).gather(-1, tokens)
    return (shares.exp() * (shares - ours)).sum(-1).mean()
