"""Who is next: requests wait in one line for each client, and the lines take turns.

Pure policy; time is a parameter.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rune.errors import EngineBusy


class Waits(Protocol):
    """What can wait."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def client(self) -> str:
        """Who asks."""
        ...


T = TypeVar("T", bound=Waits)


@dataclass(frozen=True, slots=True)
class Ticket(Generic[T]):
    """A request in the line."""

    item: T
    since: float


class Waiting(Generic[T]):
    """The lines of all clients."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.share = max(1, limit * 3 // 4)
        """Places that one client may fill: a quarter is left for the others."""
        self._lines: OrderedDict[str, deque[Ticket[T]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def check(self, client: str, retry_after: float) -> None:
        """Whether one more of a client may come.

        Raises:
            EngineBusy: no place is left.
        """
        if len(self) >= self.limit:
            raise EngineBusy(f"{len(self)} requests wait already; come again later", retry_after)
        if len(self._lines.get(client, ())) >= self.share:
            raise EngineBusy(f"{self.share} requests of this client wait already", retry_after)

    def add(self, item: T, now: float) -> None:
        """Take a request in, at the end of its client's line."""
        self._lines.setdefault(item.client, deque()).append(Ticket(item, now))

    def peek(self) -> T | None:
        """The request whose turn it is."""
        return next(iter(self._lines.values()))[0].item if self._lines else None

    def pop(self) -> T:
        """Take the request whose turn it is; its client's line goes to the end."""
        client, line = next(iter(self._lines.items()))
        item = line.popleft().item
        self._lines.move_to_end(client)
        if not line:
            del self._lines[client]
        return item

    def remove(self, id: str) -> T | None:
        """Take a request out of turn; None where it does not wait."""
        taken = self._without(lambda ticket: ticket.item.id == id)
        return taken[0] if taken else None

    def expired(self, before: float) -> list[T]:
        """Take out those that came before a moment."""
        return self._without(lambda ticket: ticket.since < before)

    def _without(self, leaves: Callable[[Ticket[T]], bool]) -> list[T]:
        taken: list[T] = []
        for client, line in list(self._lines.items()):
            kept: deque[Ticket[T]] = deque()
            for ticket in line:
                if leaves(ticket):
                    taken.append(ticket.item)
                else:
                    kept.append(ticket)
            if kept:
                self._lines[client] = kept
            else:
                del self._lines[client]
        return taken
