"""The loop of the engine: requests join and leave between steps, and one step decodes every row.

``step`` is the whole of it: who waited too long goes, prompts are read up to ``prefill_tokens``, one token
is decoded for every row that has read its prompt, ended rows leave. Rows that decode lie side by side from
row 0 on; the one that reads its prompt lies behind them; where a row leaves, the last one takes its place.

There is no thread here and no lock: whoever owns the runner calls everything from one thread. That is the
worker's loop, which puts units of a distillation between the steps, or ``local.LocalBackend``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rune.config import EngineConfig
from rune.errors import AdapterError, PromptTooLong
from rune.ml import packing
from rune.ml.base import Base
from rune.ml.engine import narrow
from rune.ml.serve import kv
from rune.ml.serve.kv import RowCache
from rune.ml.serve.packed import Shelf
from rune.ml.serve.pool import Pool
from rune.ml.serve.request import Asked, Row, fit
from rune.ml.serve.rows import Bound, Rows
from rune.ml.serve.sampling import Chooser, choose
from rune.ml.serve.text import Stream
from rune.ml.serve.waiting import Waiting
from rune.serving.types import EngineStats, Finish, GenerateRequest, Part, TokenEvent


class Runner:
    """A base with adapters, answering many requests at a time; one to a base, whose layers carry its rows."""

    def __init__(
        self, base: Base, config: EngineConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.base = base
        self.config = config
        self.clock = clock
        self.context = min(config.context, int(base.model.config.max_position_embeddings))
        self.rows = Rows(base.layers, config.rows, base.device, base.dtype)
        self.cache = RowCache(base.model.config, base.device, base.dtype)
        shelf = Shelf(base.layers, base.hash, config.max_rank)
        self.pool = Pool(shelf, base.device, config.budget_mb * 2**20)
        self.waiting: Waiting[Asked] = Waiting(config.queue)
        self.running: list[Row] = []
        self.reading: Row | None = None
        self.stops = frozenset(base.stop_ids)
        """Tokens that end an answer."""
        self._events: list[TokenEvent] = []
        self._seconds = 1.0
        self._tokens = self._steps = 0

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self.running or self.reading or self._events or len(self.waiting))

    def submit(self, request: GenerateRequest) -> None:
        """Let a request wait for its row; its events come out of ``step``.

        Raises:
            PromptTooLong: prompt and ``max_tokens`` do not fit into the context, or into the budget.
            EngineBusy: too many wait.
            AdapterError: a part cannot be loaded.
        """
        asked = Asked(request, self._ids(request.prompt))
        if asked.length > self.context:
            raise PromptTooLong(
                f"expected at most {self.context} tokens, found a prompt of {len(asked.ids)} with up to "
                f"{request.sampling.max_tokens} to generate"
            )
        if self.cache.bytes_for(1, asked.length) > self.pool.budget:
            raise PromptTooLong(f"keys and values of {asked.length} tokens exceed engine.budget_mb")
        self.waiting.check(request.client, self._retry_after())
        composed = len(request.parts) > 1 or any(part.weight != 1 for part in request.parts)
        if composed and not self.config.composition:
            raise AdapterError("expected one adapter with weight 1; engine.composition allows more")
        for part in request.parts:
            self.pool.check(part)
        self.waiting.add(asked, self.clock())

    @torch.inference_mode()
    def cancel(self, id: str) -> None:
        """End a request now; the next step tells. One that is not there has ended already."""
        if self.waiting.remove(id):
            self._events.append(TokenEvent(id, finish="cancelled"))
        for row in self._all():
            if row.id == id:
                self._events.append(self._end(row, "cancelled"))

    def prefetch(self, part: Part) -> None:
        """Bring an adapter near.

        Raises:
            AdapterError: it cannot be loaded.
        """
        self.pool.get(part)

    @torch.inference_mode()
    def step(self) -> list[TokenEvent]:
        """One round: prompts, then a token for every row; returns what came of it."""
        with packing.attention(self.base.model, kv.NAME):
            for late in self.waiting.expired(self.clock() - self.config.queue_seconds):
                self._fail(late.id, f"waited for more than {self.config.queue_seconds:.0f} s")
            self._read()
            self._decode()
        events, self._events = self._events, []
        return events

    def stats(self) -> EngineStats:
        """What the engine holds and has done."""
        pool = self.pool
        return EngineStats(
            running=len(self._all()), waiting=len(self.waiting), slots=self.config.rows, resident=len(pool),
            adapter_bytes=pool.bytes + self.rows.bytes, kv_bytes=self.cache.bytes, loads=pool.loads,
            hits=pool.hits, evictions=pool.evictions, tokens=self._tokens, steps=self._steps,
        )  # fmt: skip

    @torch.inference_mode()
    def close(self) -> None:
        """End what runs and waits, and leave the base as it was; ``step`` is not called any more."""
        for row in self._all():
            self._leave(row)
        self.waiting = Waiting(self.config.queue)
        self.rows.close()

    # joining

    def _ids(self, prompt: str) -> list[int]:
        ids = self.base.tokenizer.encode(prompt, add_special_tokens=False)
        return list(ids) or [self.base.stop_ids[0]]  # something has to be read before something can follow

    def _retry_after(self) -> float:
        """Seconds until as many rows have ended as wait now, going by those that ended last."""
        return min(60.0, max(1.0, self._seconds * len(self.waiting) / self.config.rows))

    def _admit(self) -> Row | None:
        """Give the request whose turn it is a row; None while there is no row or no room for it."""
        while len(self.running) < self.config.rows and (asked := self.waiting.peek()):
            try:
                adapters = self._adapters(asked)
            except AdapterError as error:
                self._fail(self.waiting.pop().id, str(error))
                continue
            if self._room(asked, adapters):
                self.waiting.pop()
                return self._seat(asked, adapters)
            for adapter, _ in adapters:
                self.pool.unpin(adapter.digest)
            if self.running:
                return None  # the next one does not overtake: a long request would wait for ever
            self._fail(self.waiting.pop().id, "adapter, keys and values exceed engine.budget_mb")
        return None

    def _adapters(self, asked: Asked) -> Bound:
        """The adapters of a request, pinned.

        Raises:
            AdapterError: one cannot be loaded, or together they are too large.
        """
        found = []
        try:
            for part in asked.request.parts:
                found.append((self.pool.get(part), part.weight))
                self.pool.pin(part.digest)
            if sum(adapter.layout.rank for adapter, _ in found) > self.config.max_rank:
                raise AdapterError(f"expected ranks of {self.config.max_rank} at most together")
        except AdapterError:
            for adapter, _ in found:
                self.pool.unpin(adapter.digest)
            raise
        return tuple(found)

    def _room(self, asked: Asked, adapters: Bound) -> bool:
        """Claim the bytes that one more row needs, if they can be had."""
        place = len(self.running)
        rows = min(self.config.rows, 1 << place.bit_length())
        keys = self.cache.bytes_for(*self.cache.shape_with(rows, asked.length))
        return self.pool.claim(keys + self.rows.bytes_with(place, adapters)) and all(
            adapter.digest in self.pool for adapter, _ in adapters
        )

    def _seat(self, asked: Asked, adapters: Bound) -> Row:
        place = len(self.running)
        self.cache.reserve(min(self.config.rows, 1 << place.bit_length()), asked.length)
        self.rows.bind(place, adapters)
        sampling = asked.request.sampling
        stream = Stream(self.base.tokenizer, sampling.stop)
        self.reading = Row(asked, adapters, Chooser(sampling), stream, self.clock())
        return self.reading

    # one round

    def _read(self) -> None:
        """Read prompts, at most ``prefill_tokens`` tokens of them: side by side where they are short."""
        left = self.config.prefill_tokens
        while left > 0 and (row := self.reading or self._admit()):
            if row.read or len(row.asked.ids) > left:
                left -= self._read_part(row, left)
            else:
                left -= self._read_whole(self._together(row, left))

    def _read_part(self, row: Row, left: int) -> int:
        """Read the next tokens of a long prompt; how many it were."""
        ids = row.asked.ids[row.read : row.read + left]
        last = row.read + len(ids) == len(row.asked.ids)
        place = len(self.running)
        seen = self.cache.prefill(place, row.read, len(ids))
        positions = torch.arange(row.read, row.read + len(ids), device=self.base.device)[None]
        with self.rows.active(place, place + 1):
            logits = self._forward([ids], positions, seen, [len(ids) - 1] if last else [])
        row.read += len(ids)
        if last:
            self.reading = None
            self.running.append(row)
            self._take([row], logits)
        return len(ids)

    def _together(self, row: Row | None, left: int) -> list[Row]:
        """This row and those behind it whose prompts are read in one pass with it; all of them run now."""
        rows: list[Row] = []
        while row and fit([len(one.asked.ids) for one in (*rows, row)], left):
            self.reading = None
            self.running.append(row)
            rows.append(row)
            asked = self.waiting.peek()
            lengths = [len(one.asked.ids) for one in rows]
            row = self._admit() if asked and fit([*lengths, len(asked.ids)], left) else None
        return rows  # one that was admitted and does not fit, because another's adapter was broken, is next

    def _read_whole(self, rows: list[Row]) -> int:
        """Read prompts in one pass, padded behind, where nobody looks; how many tokens it were."""
        lengths, stop = [len(row.asked.ids) for row in rows], len(self.running)
        width, start = max(lengths), stop - len(rows)
        seen = self.cache.prefill(start, 0, width, len(rows))
        positions = torch.arange(width, device=self.base.device).expand(len(rows), -1)
        ids = [row.asked.ids + [0] * (width - length) for row, length in zip(rows, lengths, strict=True)]
        with self.rows.active(start, stop):
            logits = self._forward(ids, positions, seen, [length - 1 for length in lengths])
        for row, length in zip(rows, lengths, strict=True):
            row.read = length
        self._take(rows, logits)
        return width * len(rows)

    def _decode(self) -> None:
        """One token for every row that has read its prompt."""
        if not (rows := list(self.running)):
            return
        lengths = [row.read for row in rows]
        seen = self.cache.decode(lengths)
        positions = torch.tensor(lengths, device=self.base.device)[:, None]
        with self.rows.active(0, len(rows)), narrow(self.base.device, len(rows)):
            logits = self._forward([[row.last] for row in rows], positions, seen, [0] * len(rows))
        for row in rows:
            row.read += 1
        self._take(rows, logits)
        self._steps += 1

    def _forward(
        self, ids: Sequence[list[int]], positions: Tensor, seen: Tensor, ends: Sequence[int]
    ) -> Tensor:
        """Logits [N, V] at the place ``ends`` of each row of ids [N, T]; without ends, nothing of use."""
        model = self.base.model if ends else self.base.model.base_model
        places = sorted(set(ends))
        wanted = {"logits_to_keep": torch.tensor(places, device=self.base.device)} if ends else {}
        out = model(
            input_ids=torch.tensor(ids, device=self.base.device), position_ids=positions,
            past_key_values=self.cache, use_cache=True, seen=seen, **wanted,
        )  # fmt: skip
        if not ends:
            return positions
        return out.logits[range(len(ids)), [places.index(end) for end in ends]].float()

    def _take(self, rows: list[Row], logits: Tensor) -> None:
        """Choose each row's next token, tell what text it gives, end those that are done."""
        for row, token in zip(rows, choose([row.chooser for row in rows], logits), strict=True):
            row.last = token
            if token in self.stops:
                self._events.append(self._end(row, "stop"))
                continue
            row.tokens.append(token)
            self._tokens += 1
            text = row.stream.push(token)
            if row.stream.stopped:
                self._events.append(self._end(row, "stop", text))
            elif len(row.tokens) >= row.asked.request.sampling.max_tokens:
                self._events.append(self._end(row, "length", text))
            elif text:
                self._events.append(TokenEvent(row.id, text, len(row.tokens), len(row.asked.ids)))

    # leaving

    def _all(self) -> list[Row]:
        return [*self.running, *([self.reading] if self.reading else [])]

    def _end(self, row: Row, finish: Finish, text: str = "") -> TokenEvent:
        """Take a row out; its last event."""
        self._leave(row)
        self._seconds = 0.8 * self._seconds + 0.2 * (self.clock() - row.began)
        text += row.stream.finish()
        finish = "stop" if row.stream.stopped else finish
        return TokenEvent(row.id, text, len(row.tokens), len(row.asked.ids), finish)

    def _fail(self, id: str, why: str) -> None:
        self._events.append(TokenEvent(id, finish="error", error=why))

    def _leave(self, row: Row) -> None:
        """Free a row's place; the last row and the one that reads its prompt move up."""
        behind = len(self.running)
        if row is self.reading:
            self.reading = None
            self.rows.clear(behind)
        else:
            place = self.running.index(row)
            last = self.running.pop()
            if last is not row:
                self.running[place] = last
                self._move(behind - 1, place, last)
            else:
                self.rows.clear(place)
            if self.reading:
                self._move(behind, behind - 1, self.reading)
        for adapter, _ in row.adapters:
            self.pool.unpin(adapter.digest)
        if not self._all():
            self.cache.clear()
            self.pool.claim(self.rows.bytes)

    def _move(self, source: int, target: int, row: Row) -> None:
        self.cache.move(source, target, row.read)
        self.rows.move(source, target)
