"""The text memory fills itself: what a closed session leaves to learn becomes echoes.

``learnt`` makes entries of what happened, ``taking`` writes them, ``Gatherer`` knows which sessions wait.
"""

from rune.gather.gatherer import GATHERING, Gatherer
from rune.gather.taking import Intake, take_in

__all__ = ["GATHERING", "Gatherer", "Intake", "take_in"]
