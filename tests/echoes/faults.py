"""Run one change of the text memory again and again, each time broken off one file operation later.

    python faults.py <mode> <scenario> <template project> <folder for the copies>

``kill`` ends the process without a word right before the n-th operation, ``full`` lets everything that needs
room fail from the n-th on, ``once`` lets the n-th alone fail. Every n gets a copy of the template named after
it, until the change comes through. Standard output is one line per copy: n, exit status.
"""

import errno
import os
import shutil
import sys
from datetime import date
from pathlib import Path

from rune.echoes import findings
from rune.echoes.store import Store
from rune.paths import Echoes
from rune.records.echo import ROLES, Entry, Memory

NOON = 1795176000.0
DIED, FAILED, DONE = 9, 3, 0


def open_store(project):
    return Store(Echoes(project), lambda: NOON)


def learnt(title):
    day = date(2026, 11, 1)
    return Entry("inscribed", title, day, f"{title} happens.", (f"`src/{title}.py:1` — found there",))


def prune(store):
    """Half of the reviewer's entries go to the archive, one file goes, another comes."""
    with store.change("prune reviewer") as change:
        memory = change.memory("reviewer")
        half = len(memory.entries) // 2
        change.backup("reviewer")
        change.archive("reviewer", memory.entries[:half])
        change.save(Memory(memory.role, memory.preamble, memory.entries[half:], memory.version))
        change.write(change.echoes.solutions / "tooling" / "slow.md", b"a solution\n")
        change.remove(change.echoes.role("reviewer") / "old.md")


def consolidate(store):
    with store.change("consolidate findings", anytime=True) as change:
        for role in ROLES:
            findings.take(change, role)


def undo(store):
    store.undo()


def settle(store):
    store.settle()


def faulty(mode, project, nth):
    """An audit hook that breaks the n-th operation on a file of the project."""
    count = 0

    def hook(event, args):
        nonlocal count
        if not operation(mode, event, args) or not str(args[0]).startswith(str(project)):
            return
        count += 1
        if mode == "kill" and count == nth:
            os._exit(DIED)
        if count == nth or (mode == "full" and count > nth):
            raise OSError(
                errno.ENOSPC if mode == "full" else errno.EIO, os.strerror(errno.ENOSPC), str(args[0])
            )

    return hook


def operation(mode, event, args):
    if event == "open":
        flags = args[2] or 0
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and not str(args[0]).endswith(".lock")
    needs_room = event == "os.mkdir"
    return needs_room or (mode != "full" and event in ("os.rename", "os.remove", "os.rmdir", "os.chmod"))


def attempt(mode, scenario, project, nth):
    """In a child: run the scenario with the n-th operation broken; returns its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    store = open_store(project)
    sys.addaudithook(faulty(mode, project, nth))
    try:
        globals()[scenario](store)
    except OSError:
        os._exit(FAILED)
    os._exit(DONE)


def main(mode, scenario, template, copies):
    for nth in range(1, 1000):
        project = Path(copies).resolve() / str(nth)
        shutil.copytree(template, project, symlinks=True)
        status = attempt(mode, scenario, project, nth)
        print(nth, status, flush=True)
        if status == DONE:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
