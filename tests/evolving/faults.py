"""Let adapters evolve again and again, each time broken off one file operation later.

    python faults.py <template project> <folder for the copies> <way>

The process ends without a word right before the n-th operation. Every n gets a copy of the template named
after it, until evolution comes through. Standard output is one line per copy: n, exit status.
``way`` is how a child comes to be: "none", learnt anew alone, or a way of merging, with clusters that are too
much to learn.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from rune.config import Config, EvolutionConfig
from rune.evolving import breeding, carrying, standing
from rune.evolving.breeding import Nursery
from rune.library import Library
from rune.paths import Echoes
from rune.testing import BASE, BASE_HASH, FakeBreeder, FakeDistiller

DIED, DONE = 9, 0


def evolve(project, way):
    """Everything that is planned, until nothing is."""
    most = 48 if way == "none" else 1
    config = Config(evolution=EvolutionConfig(same=1.1, similar=0.3, merge=way, max_lessons=most))
    nursery = Nursery(BASE, BASE_HASH, FakeDistiller(steps=2), FakeBreeder(), config)
    echoes = Echoes(project)
    library, later = Library(echoes, time.time), time.time() + 90 * 86400
    for _ in range(10):
        library.recover()
        carrying.finish(library)
        actions = standing.settle(echoes, config.evolution, later).actions
        if not actions:
            return
        carrying.carry(library, actions)
        for action in carrying.heavy(actions):
            list(breeding.breed(nursery, library, action))
    raise RuntimeError("evolution does not come to an end")


def killed(project, nth):
    """An audit hook that ends the process before the n-th operation on a file of the project."""
    count = 0

    def hook(event, args):
        nonlocal count
        writes = event == "open" and bool((args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        changes = event in ("os.rename", "os.remove", "os.rmdir", "os.chmod", "os.mkdir")
        if (writes or changes) and str(args[0]).startswith(str(project)):
            count += not str(args[0]).endswith(".lock")
            if count == nth:
                os._exit(DIED)

    return hook


def attempt(project, nth, way):
    """In a child: evolve with the n-th operation broken; returns its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.addaudithook(killed(project, nth))
    evolve(project, way)
    os._exit(DONE)


def main(template, copies, way):
    for nth in range(1, 1000):
        project = Path(copies).resolve() / str(nth)
        shutil.copytree(template, project, symlinks=True)
        status = attempt(project, nth, way)
        print(nth, status, flush=True)
        if status == DONE:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
