"""Which edits of a session still stand: its events replayed as what they did to files.

An edit stands until a command puts its file back, sets it aside, overwrites or removes it. What was set aside
may come back. What was committed goes with a reset behind the commit, or with its revert. Files that a
command writes are edits, too. Edits that take back others are not judged here (``rune.arcs.changes``).

Covered: see ``rune.arcs.deeds``. Not covered: what another branch holds, and hunks picked one by one
(``-p``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from rune.arcs import changes, deeds
from rune.arcs.changes import Made
from rune.arcs.deeds import Deed
from rune.records.trajectory import Execution, Generation
from rune.running import programs, shell, unfold

_GIT_FAILED = re.compile(r"^(?:fatal: |error: (?:pathspec|Your local|could not|No such))", re.M)
_COMMITTED = re.compile(r"^\[[^\]\n]*\b([0-9a-f]{7,40})\]", re.M)
_NOTHING = "No local changes to save"


@dataclass(slots=True, eq=False)
class Entry:
    """An edit and where it is."""

    made: Made
    stands: bool = True
    staged: bool = False
    committed: bool = False
    aside: float = 0.0
    """When it was set aside last."""

    def within(self, paths: Sequence[str]) -> bool:
        """Whether it is an edit of one of these files, or of a file in one of these folders."""
        return isinstance(self.made, Generation) and any(inside(self.made.path, path) for path in paths)


@dataclass(slots=True)
class Worktree:
    """The edits of a session, as they stand after the events so far."""

    project: str = ""
    entries: list[Entry] = field(default_factory=list)
    _known: dict[str, str] = field(default_factory=dict)
    _stash: list[list[Entry]] = field(default_factory=list)
    _commits: list[tuple[str, list[Entry]]] = field(default_factory=list)
    _copies: dict[str, tuple[str, list[Entry]]] = field(default_factory=dict)

    def lacks(self, at: float) -> bool:
        """Whether edits are set aside that were still there at a time."""
        return any(entry.aside > at for stashed in self._stash for entry in stashed)

    def put(self, edit: Generation) -> Entry:
        """An edit was made."""
        self.entries.append(Entry(changes.written(self._known, edit)))
        return self.entries[-1]

    def take(self, command: Execution) -> Entry:
        """A command edited files in a way that is not known."""
        self.entries.append(Entry(command))
        return self.entries[-1]

    def restores(self, deed: Deed) -> bool:
        """Whether it brings a file back from a copy that was made of it."""
        return deed.kind in ("copy", "move") and self._copies.get(deed.source, ("",))[0] == deed.paths[0]

    def ran(self, event: Execution, done: Sequence[Deed]) -> list[Entry]:
        """The edits that a command made or brought back; others it may have taken away."""
        made: list[Entry] = []
        if event.tool == unfold.SHELL and not _GIT_FAILED.search(event.text):
            for deed in done:
                made += self._does(event, deed)
        return made

    def _does(self, event: Execution, deed: Deed) -> list[Entry]:
        match deed.kind:
            case "write" | "append":
                tool = "Write" if deed.kind == "write" else "Edit"
                return [self.put(Generation(event.id, event.at, tool, deed.paths[0], deed.text))]
            case "replace":
                return self._replaced(event, deed)
            case "restore":
                self._away([one for one in self._loose(deed) if one.within(deed.paths)])
            case "remove":
                self._away([one for one in self.entries if one.within(deed.paths)])
            case "clean":
                new = (one for one in self._loose(deed) if isinstance(one.made, Generation))
                self._away([one for one in new if one.made.tool == "Write" and one.within(deed.paths)])
            case "copy" | "move":
                self._moved(deed)
            case "pop" | "drop" | "clear" | "stash":
                return self._stashed(event, deed)
            case _:
                self._recorded(event, deed)
        return []

    def _loose(self, deed: Deed) -> list[Entry]:
        """What is not safe from being put back to a commit, or to what was added."""
        if deed.source not in ("", "HEAD", "@"):
            return list(self.entries)
        return [one for one in self.entries if not one.committed and not (one.staged and not deed.source)]

    def _away(self, gone: Sequence[Entry]) -> None:
        for entry in gone:
            entry.stands = False
            if isinstance(entry.made, Generation):
                self._known.pop(entry.made.path, None)

    def _replaced(self, event: Execution, deed: Deed) -> list[Entry]:
        """What a stream editor changed of texts that are known."""
        found = []
        for entry in [one for one in self.entries if one.stands and one.within(deed.paths)]:
            made = entry.made
            if isinstance(made, Generation) and (text := deeds.swapped(made.text, deed)) != made.text:
                found.append(self.put(Generation(event.id, event.at, "Edit", made.path, text, made.text)))
        return found

    def _moved(self, deed: Deed) -> None:
        [target] = deed.paths
        if self.restores(deed):
            then = self._copies[deed.source][1]
            self._away([one for one in self.entries if one.within([target]) and one not in then])
            for entry in then:
                entry.stands = True
            return
        self._away([one for one in self.entries if one.within([target])])
        mine = [one for one in self.entries if one.stands and one.within([deed.source])]
        if deed.kind == "copy":
            self._copies[target] = deed.source, mine
            return
        for entry in mine:
            if isinstance(entry.made, Generation) and entry.made.path.startswith(deed.source):
                entry.made = replace(entry.made, path=target + entry.made.path[len(deed.source) :])

    def _stashed(self, event: Execution, deed: Deed) -> list[Entry]:
        if deed.kind == "stash":
            loose = [one for one in self._loose(Deed("stash", source="HEAD")) if one.stands]
            taken = [one for one in loose if one.within(deed.paths) or deed.paths == ("",)]
            if _NOTHING not in event.text:
                self._away(taken)
                self._stash.append(taken)
                for entry in taken:
                    entry.aside = event.at
            return []
        if deed.kind == "clear":
            self._stash.clear()
        place = int(deed.source or 0)
        if place >= len(self._stash):
            return []
        back = self._stash.pop(-1 - place)
        for entry in back if deed.kind == "pop" else ():
            entry.stands = True
        return back if deed.kind == "pop" else []

    def _recorded(self, event: Execution, deed: Deed) -> None:
        """What git keeps: what was added and committed, and commits that are given up."""
        if deed.kind == "add":
            for entry in self.entries:
                entry.staged |= entry.stands and (entry.within(deed.paths) or deed.paths == ("",))
        elif deed.kind == "commit":
            ready = [one for one in self.entries if one.stands and not one.committed]
            staged = ready if deed.paths else [one for one in ready if one.staged] or ready
            found = _COMMITTED.search(event.text)
            self._commits.append((found[1] if found else "", staged))
            for entry in staged:
                entry.committed = True
        elif deed.kind in ("reset", "uncommit"):
            for entry in self._behind(deed.source):
                entry.committed = entry.staged = False
            if deed.kind == "reset":
                self._away([one for one in self.entries if not one.committed])
        elif deed.kind == "revert":
            last = [entries for sha, entries in self._commits[-1:] if deed.source in ("HEAD", "@")]
            same = [entries for sha, entries in self._commits if sha and _same(sha, deed.source)]
            for entries in last or same:
                self._away(entries)

    def _behind(self, commit: str) -> list[Entry]:
        """What was committed after a commit; all where that is not known."""
        if commit in ("HEAD", "@"):
            return []
        back = re.fullmatch(r"(?:HEAD|@)(?:~(\d*)|(\^+))", commit)
        if back:
            count = len(back[2] or "") or int(back[1] or 1)
        else:
            known = [place for place, (sha, _) in enumerate(self._commits) if sha and _same(sha, commit)]
            count = len(self._commits) - known[-1] - 1 if known else len(self._commits)
        gone = self._commits[len(self._commits) - count :] if count else []
        del self._commits[len(self._commits) - len(gone) :]
        return [entry for _, entries in gone for entry in entries]


def _same(sha: str, other: str) -> bool:
    return len(other) >= 7 and (sha.startswith(other) or other.startswith(sha))


def inside(path: str, folder: str) -> bool:
    """Whether a path is a folder's, or the same; a relative folder may end an absolute path.

    >>> inside("src/a.py", "src"), inside("/p/src/a.py", "src/a.py"), inside("src/a.py", "")
    (True, True, True)
    """
    parts, start = PurePath(path).parts, PurePath(folder).parts
    if not start:
        return not PurePath(path).is_absolute()
    ends = PurePath(path).is_absolute() and not PurePath(folder).is_absolute()
    return parts[: len(start)] == start or (ends and parts[-len(start) :] == start)


def order(event: Execution) -> tuple[list[int], list[int]]:
    """The parts of a line up to its run, and those after it; of one that failed, those that came to pass.

    >>> order(Execution("e", 0.0, "Bash", "git stash && pytest && rm a.py; git stash pop", "", False))
    ([0], [3])
    """
    parts = shell.parse(event.command)
    joined = [part.joint for part in parts]
    run = next((place for place, part in enumerate(parts) if programs.family(part)), len(parts))
    failing = len(joined) if event.ok else min(run, len(joined) - 1)
    skipped = set()
    for place, sign in enumerate(joined):
        follows = place - 1 in skipped and (sign == "|" or (sign == "&&" and joined[place - 1] != "|"))
        if place == failing or (place > failing and follows) or (sign == "||" and event.ok):
            skipped.add(place)
    able = [place for place in range(len(joined)) if place not in skipped]
    return [one for one in able if one <= run], [one for one in able if one > run]
