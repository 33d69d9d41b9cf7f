"""When a process that learns and answers goes on learning, while somebody waits for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SHARE = 4
"""Learning gets one part in so many of the time, as long as there are answers to give."""


class Pace:
    """A unit of learning, then three times as long nothing but tokens.

    A short answer so waits for one unit, not for one at every token; and answers without end do not keep
    learning from its end. Where nobody waits, learning has all the time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._rests_until = 0.0

    def goes_on(self, answering: bool) -> bool:
        """Whether it is learning's turn."""
        return not answering or self.clock() >= self._rests_until

    @contextmanager
    def unit(self) -> Iterator[None]:
        """The time that the block takes is what the next one waits for."""
        began = self.clock()
        try:
            yield
        finally:
            ended = self.clock()
            self._rests_until = ended + (SHARE - 1) * (ended - began)
