"""Adapters on disk: staged, published with one rename, read-only ever after.

Covered: a crash at any point leaves no half adapter and no second one for the same content and base; two
processes that add at once; changed or missing files; records of a newer Rune.
Not covered: somebody with the same user's rights who changes weights, card and hashes together.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from rune import files, stages
from rune.errors import AdapterError, FormatError, NewerVersion, WrongBase
from rune.paths import Echoes, packed
from rune.ports import Clock
from rune.records import card as records
from rune.records import ledger, model, outline
from rune.records.card import Card
from rune.records.ledger import NEW, Entry, State
from rune.records.outline import Outline
from rune.stages import CARD, CONFIG, STAGE, WEIGHTS
from rune.word import Words

__all__ = ["CONFIG", "ID", "STAGE", "WEIGHTS", "Library"]

log = logging.getLogger(__name__)
ID = r"[0-9a-f]{16}"


class Library:
    """The adapters of one project."""

    def __init__(self, echoes: Echoes, clock: Clock) -> None:
        self.echoes = echoes
        self.root = echoes.adapters
        self.ledger = echoes.ledger
        self.clock = clock
        self._shelf = records.Shelf(echoes.adapters, echoes.ledger)
        self._outlines = outline.Outlines(echoes.adapters, echoes.outlines)
        self._own = threading.RLock()
        self._alone = False

    # reading

    def cards(self, include_archived: bool = False) -> list[Card]:
        """The adapters in service with their living lessons, oldest first; a damaged one is logged, left out.

        Args:
            include_archived: also those that are archived, superseded or unserved; then with every lesson.

        Raises:
            NewerVersion: a newer Rune wrote the ledger.
        """
        states = self.states()
        wanted = []
        for name, card in self._shelf.cards().items():
            state = states.get(name, NEW)
            if isinstance(card, FormatError):
                log.warning("%s", card)
            elif include_archived and state.status != "forgotten":
                wanted.append(card)
            elif state.status == "active":
                wanted.append(records.living(card, state))
        return sorted(wanted, key=lambda card: (card.created, card.id))

    def metadata(self, include_archived: bool = False) -> list[Outline]:
        """The adapters that ``cards`` gives, in its order, without lessons: no card is parsed twice.

        Raises:
            NewerVersion: a newer Rune wrote the ledger.
        """
        states, shown = self._shelf.states(), ("active", "unserved", "superseded", "archived")
        wanted = shown if include_archived else shown[:1]
        known = ((one, states.get(one.id) or outline.unwritten(one)) for one in self._outlines.all())
        found = [one for one, state in known if state.status in wanted]
        return sorted(found, key=lambda one: (one.created, one.id))

    def problems(self) -> list[str]:
        """What is wrong with cards that cannot be read, one line each."""
        return list(map(str, self.unreadable().values()))

    def unreadable(self) -> dict[str, FormatError]:
        """The adapters on disk whose cards are damaged or newer, and what is wrong with them."""
        found = self._shelf.cards().items()
        return {name: card for name, card in found if isinstance(card, FormatError)}

    def get(self, id: str) -> Card:
        """One adapter's card, in whatever state it is.

        Raises:
            AdapterError: there is none of this id.
            FormatError: its card is damaged or newer.
        """
        self.folder(id)
        card = self._shelf.card(id)
        if isinstance(card, FormatError):
            raise card
        return card

    def folder(self, id: str) -> Path:
        """Where an adapter's files are.

        Raises:
            AdapterError: there is none of this id.
        """
        folder = self.root / id
        if not re.fullmatch(ID, id) or not folder.is_dir():
            raise AdapterError(f"no adapter {id!r} in {self.root}; `rune echoes show` lists what there is")
        return folder

    def for_source(self, source_hash: str, base_hash: str) -> Card | None:
        """The intact adapter that was made from this content for this base, in whatever state it is."""
        for card in self.cards(include_archived=True):
            if (card.source_hash, card.base_hash) == (source_hash, base_hash):
                try:
                    return self.verify(card.id)
                except AdapterError as error:
                    log.warning("%s", error)
        return None

    def of_session(self, session: str) -> list[str]:
        """Ids of every adapter that a session went into: on disk, also those whose card is damaged, or known
        to the ledger, as those are whose files went before there was room to write that down."""
        states = self.states()
        known = ((name, state) for name, state in states.items() if state.status != "forgotten")
        origins = {name: state.origins for name, state in known if re.fullmatch(ID, name)}
        for name, card in self._shelf.cards().items():
            origins[name] = (states.get(name, NEW) if isinstance(card, FormatError) else card).origins
        return sorted(name for name, sessions in origins.items() if session in sessions)

    def verify(self, id: str) -> Card:
        """The card of an adapter whose files are what they were when it was made.

        Raises:
            AdapterError: a file is missing or has changed, or the card does not belong to it.
        """
        folder, card = self.folder(id), self.get(id)
        way_out = records.anew(card)
        for name, expected in card.sha256.items():
            found = files.sha256(folder / name) if (folder / name).is_file() else "no file"
            if found != expected:
                raise AdapterError(f"{folder / name}: expected SHA-256 {expected}, found {found}; {way_out}")
        if card.id != id or not {CONFIG, WEIGHTS} <= set(card.sha256) or records.identity(card) != id:
            raise AdapterError(f"{folder / CARD}: does not belong to adapter {id}; {way_out}")
        return card

    def check_base(self, card: Card, base_hash: str) -> None:
        """Refuse an adapter that was made for another base model.

        Raises:
            WrongBase: it was.
        """
        if card.base_hash != base_hash:
            made, loaded = model.short(card.base_hash), model.short(base_hash)
            raise WrongBase(
                f"adapter {card.id} was made for {card.base} ({made}), but the loaded base is {loaded}; "
                + records.again(card)
            )

    def states(self) -> dict[str, State]:
        """What became of each adapter that the ledger names, or that is on disk without a line of its own.

        Raises:
            NewerVersion: a newer Rune wrote the ledger.
        """
        states = self._shelf.states()
        cards = ((id, card) for id, card in self._shelf.cards().items() if id not in states)
        return {**states, **{id: outline.unwritten(card) for id, card in cards if isinstance(card, Card)}}

    # writing

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While the block runs nobody else publishes, removes or moves an adapter.

        For whoever decides by cards and states, and writes what follows from that. A block may hold another
        one of the same library. Where there are no adapters nothing is made for it.
        """
        with self._own:
            if self._alone or not self.root.is_dir():
                yield
                return
            with files.locked(self.root / ".lock"):
                self._alone = True
                try:
                    yield
                finally:
                    self._alone = False

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A private folder to make an adapter in, beside the others; gone afterwards unless it was added.

        What earlier crashes left is put in order first (``recover``).
        """
        self.recover()
        stage = stages.make(self.root)
        try:
            yield stage
        finally:
            files.remove_folder(stage)

    def add(self, staged: Path, card: Card) -> Card:
        """Publish a staged adapter; the card comes back with id, hashes and size.

        Where an intact adapter for the same content and base is there already, the stage is removed and that
        one's card comes back. Earlier adapters of the same session are superseded, unless this one's probes
        are no better than the base's: then it is not served, and they stay.

        Raises:
            AdapterError: the stage lacks a file or lies outside the adapters folder.
            NewerVersion: a newer Rune wrote the ledger or what is in the way; nothing is touched.
        """
        self.states()
        made = stages.seal(self.root, staged, card)
        with self.alone():
            kept = self.for_source(made.source_hash, made.base_hash)
            if kept is None:
                self.refuse(made.id)
                stages.publish(self.root, staged, made)
                kept = made
            else:
                files.remove_folder(staged)
            self._settle(kept)
        return kept

    def recover(self) -> None:
        """After a crash: sweep stages of dead processes, and finish the ledger where a line is missing.

        Raises:
            NewerVersion: a newer Rune wrote the ledger; nothing is touched.
        """
        if not self.root.is_dir():
            return
        self.states()
        with self.alone():
            stages.sweep(self.root)
            states, written = self.states(), self._shelf.states()
            rivals: dict[str, list[Card]] = {}
            for card in self.cards(include_archived=True):
                if states.get(card.id, NEW).status in ("active", "unserved"):
                    rivals.setdefault(card.session, []).append(card)
            for cards in rivals.values():
                for card in cards:
                    if card.id not in written or (card is cards[-1] and len(cards) > 1):
                        self._settle(card)

    def archive(self, id: str, reason: str = "", hand: bool = True) -> None:
        """Take an adapter out of service; its files stay. By hand it has no say any more in what is true."""
        self._record(self.get(id).id, "archived", reason=reason, hand=hand)

    def reactivate(self, id: str, reason: str = "", hand: bool = True) -> None:
        """Put an adapter back into service; by hand with its retired lessons, if nothing else took it."""
        self._record(self.get(id).id, "reactivated", reason=reason, hand=hand)

    def supersede(self, id: str, by: str, untrue: bool = False) -> None:
        """Take an adapter out of service because another one has its place.

        One that is ``untrue``, because all its lessons are retired, is back as soon as one of them is not.
        """
        detail = {"by": self.get(by).id, **({"untrue": True} if untrue else {})}
        self._record(self.get(id).id, "superseded", **detail)

    def score(self, id: str, probes: dict[str, float | None]) -> None:
        """Write down newer probe scores; an adapter no better than the base is no longer served.

        One that a person has put back is, and so is what came of it.
        """
        with self.alone():
            card = self.get(id)
            word = Words(self.cards(include_archived=True), self.states()).of(id)
            served = records.better_than_base(card.probes_before, probes) or word > 0.0
            self._record(id, "scored", probes=probes, served=served)

    def remove(self, id: str) -> None:
        """Delete an adapter for good; removing it twice does no harm.

        Raises:
            NewerVersion: a newer Rune wrote the ledger or the card; nothing is touched.
        """
        with self.alone():
            there = (self.root / id).is_dir()
            self.discard(id)
            state = self._shelf.states().get(id)
            if there if state is None else state.status != "forgotten":
                self._record(id, "forgotten")

    def discard(self, id: str) -> None:
        """Delete an adapter's files, which a full disk allows; ``remove`` writes down that it is gone.

        Raises:
            NewerVersion: a newer Rune wrote the ledger or the card; nothing is touched.
        """
        self.refuse(id)
        folder = self.root / id
        with self.alone():
            packed(folder, id).unlink(missing_ok=True)
            stages.sweep(self.root)
            if folder.is_dir():
                files.remove_folder(stages.aside(self.root, folder))
            outline.drop(self.echoes.outlines, id)

    def refuse(self, id: str) -> None:
        """Whether an adapter may be deleted, or written over.

        Raises:
            AdapterError: it is called as none can be.
            NewerVersion: a newer Rune wrote the ledger or the card.
        """
        if not re.fullmatch(ID, id):
            raise AdapterError(f"expected an adapter's id of 16 hexadecimal digits, found {id!r}")
        self.states()
        if (self.root / id).exists() and isinstance(error := self._shelf.card(id), NewerVersion):
            raise error

    # the steps of writing

    def _settle(self, card: Card) -> None:
        """Bring the ledger in line with a published adapter; does nothing where it is.

        It takes no place of one that a person has put back since it was made.
        """
        state = self._shelf.states().get(card.id)
        if state is None or state.status == "forgotten":
            served = records.better_than_base(card.probes_before, card.probes_after)
            probes = {"probes_before": card.probes_before, "probes_after": card.probes_after}
            about = {"session": card.session, "source_hash": card.source_hash, "served": served}
            made_of = {"sessions": list(card.sessions), "parents": list(card.parents)}
            origins = {name: ids for name, ids in made_of.items() if ids}
            self._record(card.id, "added", **about, **probes, **origins)
        elif state.status == "superseded":
            self.reactivate(card.id, "its session was distilled to the same content again", hand=False)
        states = self.states()
        if states[card.id].status != "active":
            return
        for other in self.cards(include_archived=True):
            state = states.get(other.id, NEW)
            gives_way = state.status in ("active", "unserved") and not state.put_back_since(card.created)
            if other.session == card.session and other.id != card.id and gives_way:
                self._record(other.id, "superseded", by=card.id)

    def _record(self, id: str, entry: str, **detail: object) -> None:
        with self.alone():
            self._shelf.states()
            ledger.record(self.ledger, Entry(id, entry, self.clock(), dict(detail)))
