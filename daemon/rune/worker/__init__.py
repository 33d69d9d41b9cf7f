"""The model process: one loop that answers and, between two answers, goes on with what takes longer.

That is the tokens that recalls and the endpoint's requests wait for, one decode step at a time for all of
them, and a distillation, one optimizer step at a time. It speaks lines of ``<id> <message>`` with the daemon
over its standard streams. Nobody waits for more than the one step in hand. When the daemon goes, the input
ends and so does this process.

Where learning has a process of its own (``app.learns_apart``), that one is the same loop with a ``Learner``
instead of ``Parts``: it distils, answers nothing and leaves the index to the process that recalls.

``loop`` is that loop, ``tokens`` and ``learning`` are what it advances, ``parts`` what it works with, and
``guard`` the barrier around each piece of it.
"""

from rune.worker.guard import guarded
from rune.worker.learning import NOTHING, distil, evolve
from rune.worker.loop import answer, main
from rune.worker.parts import Learner, Parts
from rune.worker.tokens import Tokens

__all__ = ["NOTHING", "Learner", "Parts", "Tokens", "answer", "distil", "evolve", "guarded", "main"]
