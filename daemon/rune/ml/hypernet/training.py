"""The training run: resumable, logged, judged on words and forms that it never sees.

A run is a folder: the checkpoint (``checkpoint``), the optimizer's state in pieces, ``state.json``, and the
record (``record``). Sessions are made by number, so that a run which goes on sees what it would have seen.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rune import files
from rune.errors import ConfigError, FormatError
from rune.ml.base import Base
from rune.ml.hypernet import checkpoint, record
from rune.ml.hypernet.batches import batch
from rune.ml.hypernet.corpus import leaks, vocabulary
from rune.ml.hypernet.corpus.sessions import HELD_OUT, Generator, Session
from rune.ml.hypernet.learning import answered, divergence, sparse, taught
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.recipe import EXAMINED, Recipe, shape_for
from rune.ml.hypernet.shape import Shape

log = logging.getLogger(__name__)
STATE = "state.json"
LOGGED = 10
"""Steps between lines of the table."""
CHECKED = 400
"""Sessions of each part whose words, forms and texts are compared before training."""

REAL = 4
"""Every so many sessions one is real, where there are any."""

Report = Callable[[dict[str, float]], None]


class Trainer:
    """A hypernetwork while it learns."""

    def __init__(
        self,
        base: Base,
        recipe: Recipe,
        folder: Path,
        shape: Shape | None = None,
        real: Sequence[Session] = (),
    ) -> None:
        self.base, self.recipe, self.folder, self.real = base, recipe, folder, real
        words = vocabulary.of_tokenizer(base.tokenizer)
        self.generator = Generator(vocabulary.split(words), recipe.seed)
        torch.manual_seed(recipe.seed)
        self.network = Hypernetwork(shape or shape_for(base)).to(base.device)
        with torch.no_grad():
            self.network.head.mul_(recipe.head)
        self.optimizer = _optimizer(self.network, recipe)
        if recipe.compiled and base.device.type == "cuda":
            self.network.compile(dynamic=True)
        self.step, self.seen, self.seconds = 0, 0, 0.0

    def train(self, until: float, report: Report = lambda _: None) -> None:
        """Train for at most ``until`` seconds from now, or to the end of the recipe; saves as it goes.

        Raises:
            ConfigError: held-out data would be trained.
        """
        self.check()
        began = saved = last = time.monotonic()
        since: list[dict[str, float]] = []
        while self.seen < self.recipe.contexts and time.monotonic() - began < until:
            since.append(self._step())
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            if self.step % LOGGED == 0 or self.step % self.recipe.evaluate == 0:
                report(self._log(since))
                since = []
            if now - saved > self.recipe.save:
                self.save()
                saved = time.monotonic()
        self.save()

    def check(self) -> None:
        """Raises ConfigError where training and held-out sessions share a word, a form or a text."""
        levels = [level for stage in self.recipe.stages for level in stage.levels]
        made = [self.generator.session(n, levels[n % len(levels)]) for n in range(CHECKED)]
        names = list(EXAMINED.values())
        held = [self.generator.session(n, names[n % len(names)], HELD_OUT) for n in range(CHECKED)]
        found = leaks.between(made, held)
        if not found.none:
            raise ConfigError(f"held-out data would be trained: {found}")

    def _sessions(self) -> list[Session]:
        return [self._session(n) for n in range(self.seen, self.seen + self.recipe.batch)]

    def _session(self, number: int) -> Session:
        """The session of this number; once the curriculum is past its first stage, some are real ones."""
        stage = self.recipe.stage(number)
        turn, place = divmod(number, REAL)
        if self.real and place == 0 and stage is not self.recipe.stages[0]:
            return self.real[turn % len(self.real)]
        return self.generator.session(number, stage.levels[number % len(stage.levels)])

    def _step(self) -> dict[str, float]:
        """One optimizer step."""
        recipe, sessions = self.recipe, self._sessions()
        self.network.train()
        given = batch(self.base, self.network.shape, sessions)
        for group in self.optimizer.param_groups:
            group["lr"] = group["times"] * recipe.rate * self._share()
        out = answered(self.base, self.network, given)
        loss = out.loss
        if recipe.teacher:
            loss = loss + recipe.teacher * divergence(out.logits, *taught(self.base, given, sessions))
        if recipe.sparse:
            loss = loss + recipe.sparse * sparse(out.whole)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(self.network.parameters()), recipe.clip)
        self.optimizer.step()
        self.step, self.seen = self.step + 1, self.seen + len(sessions)
        mean_b = torch.stack([rows.b.detach().abs().mean() for rows in out.whole.values()]).mean()
        right = float(out.right.float().mean())
        return {"loss": float(out.loss.detach()), "right": right, "mean_b": float(mean_b)}

    def _share(self) -> float:
        """Of the learning rate: up over the warm-up, then a cosine down to a twentieth."""
        done = min(1.0, self.seen / self.recipe.contexts)
        warm = min(1.0, (self.step + 1) / self.recipe.warm_up)
        return warm * (0.05 + 0.475 * (1 + math.cos(math.pi * done)))

    def _log(self, since: list[dict[str, float]]) -> dict[str, float]:
        row = {name: sum(one[name] for one in since) / len(since) for name in since[0]}
        row |= {"step": self.step, "contexts": self.seen, "seconds": self.seconds,
                "rate": self.optimizer.param_groups[0]["lr"]}  # fmt: skip
        if self.step % self.recipe.evaluate == 0:
            row |= self.examine()
        record.append(self.folder, row)
        return row

    @torch.no_grad()
    def examine(self) -> dict[str, float]:
        """Shares of exact answers on held-out sessions, by level."""
        self.network.eval()
        found = {}
        for name, level in EXAMINED.items():
            right: list[Tensor] = []
            for start in range(0, self.recipe.examined, self.recipe.batch):
                numbers = range(start, min(start + self.recipe.batch, self.recipe.examined))
                sessions = [self.generator.session(n, level, HELD_OUT) for n in numbers]
                given = batch(self.base, self.network.shape, sessions)
                right.append(answered(self.base, self.network, given).right)
            found[name] = float(torch.cat(right).float().mean())
        return found

    # what stays on disk

    def save(self) -> None:
        """Write weights, optimizer, state and picture; the state comes last and names what belongs to it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        checkpoint.write(self.folder, self.network, self.base.hash, self.told())
        kept = self.optimizer.state_dict()["state"]
        tensors = {f"{n}.{name}": value.cpu() for n, part in kept.items() for name, value in part.items()}
        pieces = checkpoint.pack(tensors, self.folder, "optimizer")
        state = {"v": 1, "recipe": self.recipe.name, "step": self.step, "seen": self.seen,
                 "seconds": self.seconds, "optimizer": pieces}  # fmt: skip
        files.replace(self.folder / STATE, json.dumps(state, indent=1).encode() + b"\n")
        checkpoint.tidy(self.folder, "optimizer", pieces)
        record.draw(self.folder)

    def told(self) -> dict[str, Any]:
        """The training record that travels with the weights."""
        examined = next((row for row in reversed(record.read(self.folder)) if "one" in row), {})
        return {
            "recipe": asdict(self.recipe), "steps": self.step, "contexts": self.seen,
            "seconds": round(self.seconds, 1), "device": self.base.device.type, "torch": torch.__version__,
            "held_out": {name: examined[name] for name in EXAMINED if name in examined},
        }  # fmt: skip

    def resume(self) -> bool:
        """Go on from the folder, where it holds a run of this recipe; whether it did.

        Raises:
            FormatError: the run is of another recipe, or damaged.
        """
        path = self.folder / STATE
        if not path.is_file():
            return False
        try:
            state = json.loads(path.read_bytes())
            if state["recipe"] != self.recipe.name:
                raise FormatError(f"{path}: a run of the recipe {state['recipe']}, not {self.recipe.name}")
            names = ("step", "seen", "seconds", "optimizer")
            step, seen, seconds, pieces = (state[name] for name in names)
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{path}: expected the state of a training run, found {error!r}") from None
        network, _ = checkpoint.read(self.folder, self.base.device)
        self.network.load_state_dict(network.state_dict())
        _restore(self.optimizer, checkpoint.unpack(self.folder, pieces))
        self.step, self.seen, self.seconds = step, seen, seconds
        record.keep(self.folder, step)
        return True


def _optimizer(network: Hypernetwork, recipe: Recipe) -> torch.optim.Optimizer:
    spared = network.undecayed()
    decayed: list[Tensor] = []
    others: list[Tensor] = []
    scales: list[Tensor] = []
    for name, weight in network.named_parameters():
        part = scales if name.startswith("scale_b") else others if name in spared else decayed
        part.append(weight)
    parts = [
        {"params": decayed, "weight_decay": recipe.decay, "times": 1.0},
        {"params": others, "weight_decay": 0.0, "times": 1.0},
        {"params": scales, "weight_decay": 0.0, "times": recipe.scales},
    ]
    return torch.optim.AdamW(parts, lr=recipe.rate, betas=recipe.betas, fused=True)


def _restore(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def export(run: Path, into: Path) -> None:
    """Write a run's network as bfloat16, with its record and without what only training needs.

    Raises:
        FormatError: there is no checkpoint in ``run``, or a damaged one.
    """
    network, known = checkpoint.read(run)
    checkpoint.write(into, network, known.base_hash, known.record, torch.bfloat16)
    for name in (record.TABLE, record.PICTURE):
        if (run / name).is_file():
            shutil.copyfile(run / name, into / name)


def told_of(row: dict[str, float]) -> str:
    """A line of the table for a person.

    >>> told_of({"step": 10, "contexts": 160, "seconds": 61.0, "loss": 5.25, "right": 0.0})
    'step 10, 160 contexts, 61 s: loss 5.250, right 0.000'
    """
    examined = ", ".join(f"{name} {row[name]:.3f}" for name in ("loss", "right", *EXAMINED) if name in row)
    return f"step {row['step']:.0f}, {row['contexts']:.0f} contexts, {row['seconds']:.0f} s: {examined}"


def runs(trainer: Trainer, until: float, report: Report) -> Iterator[str]:
    """Resume and train; yields what is worth telling a person."""
    if trainer.resume():
        yield f"going on at step {trainer.step}, {trainer.seen} contexts"
    trainer.train(until, report)
    seen, whole = trainer.seen, trainer.recipe.contexts
    yield f"step {trainer.step}, {seen} of {whole} contexts, {trainer.seconds:.0f} s"
