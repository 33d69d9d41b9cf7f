"""Tokens for the endpoint and for recalls: what the loop does with one step of the engine."""

from __future__ import annotations

from typing import Protocol

from rune.backends import wire
from rune.recall import Asked
from rune.records.message import Done, Failed, Message, Recall, Recalled
from rune.records.tokens import Cancel, Generate, Measure, Prefetch, Turn
from rune.serving.types import GenerateRequest, Part, Sampling, TokenEvent
from rune.worker.guard import guarded
from rune.worker.parts import Parts


class Sender(Protocol):
    """Where answers go."""

    def send(self, number: int, answer: Message) -> None:
        """Write one answer to the request of this number."""


class Tokens:
    """The requests for tokens in flight, recalls among them: who is to hear of which."""

    def __init__(self, link: Sender, parts: Parts) -> None:
        self.link = link
        self.parts = parts
        self.runner = parts.runner
        self._asked: dict[str, int] = {}
        self._recalls: dict[str, tuple[Asked, list[str]]] = {}
        """What was said so far to a question."""

    def take(self, number: int, request: Message) -> bool:
        """Deal with what concerns the engine; False for anything else."""
        match request:
            case Generate():
                self._begin(number, wire.request(request))
            case Recall():
                self._recall(number, request)
            case Cancel():
                self.runner.cancel(request.id)
                self.link.send(number, Done())
            case Prefetch():
                self.link.send(number, guarded(lambda: self._prefetch(request)))
            case Measure():
                self.link.send(number, self.runner.stats())
            case _:
                return False
        return True

    def step(self) -> None:
        """One step of the engine, if it has something to do; when it breaks, whoever waits for it is told."""
        if not self.runner.busy:
            return
        reply = guarded(self._step)
        if isinstance(reply, Failed):
            for id, number in self._asked.items():
                self.runner.cancel(id)
                self.link.send(number, reply)
            self._asked.clear()
            self._recalls.clear()

    def _step(self) -> Message:
        for event in self.runner.step():
            number = self._asked.pop(event.id, 0) if event.finish else self._asked.get(event.id, 0)
            if number and event.id in self._recalls:
                self._said(number, event)
            elif number:
                self.link.send(number, wire.token(event))
        return Done()

    def _begin(self, number: int, request: GenerateRequest) -> None:
        reply = self._submitted(number, request)
        if isinstance(reply, Failed):
            self.link.send(number, reply)

    def _submitted(self, number: int, request: GenerateRequest) -> Message:
        def submit() -> Message:
            self.runner.submit(request)
            self._asked[request.id] = number
            return Done()

        return guarded(submit)

    def _recall(self, number: int, request: Recall) -> None:
        reply = guarded(lambda: self._retrieved(number, request))
        if not isinstance(reply, Done):
            self.link.send(number, reply)

    def _retrieved(self, number: int, request: Recall) -> Message:
        """Done where the adapter's answer is to come, among everybody else's tokens; else the answer."""
        recaller = self.parts.recaller
        asked = recaller.begin(request)
        if isinstance(asked, Recalled):
            return asked
        id, prompt = f"recall {number}", self.parts.render([Turn("user", request.query)])
        part = Part(asked.card.id, str(asked.folder))
        sampling = Sampling(recaller.config.max_answer_tokens)
        reply = self._submitted(number, GenerateRequest(id, prompt, (part,), sampling, request.project))
        if isinstance(reply, Failed):
            return recaller.silent(asked, reply.message)
        self._recalls[id] = (asked, [])
        return reply

    def _said(self, number: int, event: TokenEvent) -> None:
        """An adapter goes on with an answer, or has ended it."""
        asked, texts = self._recalls[event.id]
        texts.append(event.text)
        if event.finish is None:
            return
        del self._recalls[event.id]
        recaller, whole = self.parts.recaller, "".join(texts).strip()
        if event.finish == "error":
            self.link.send(number, recaller.silent(asked, event.error))
        else:
            self.link.send(number, guarded(lambda: recaller.end(asked, whole)))

    def _prefetch(self, request: Prefetch) -> Message:
        for part in request.parts:
            self.runner.prefetch(part)
        return Done()
