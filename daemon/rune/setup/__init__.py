"""Everything that ``rune setup`` brings to a machine, and the check whether it is still there."""

from rune.setup.health import Problem, check, client_settings, doctor
from rune.setup.install import Installer, SetupReport, run
from rune.setup.progress import Report, bars, silent
from rune.setup.proposal import Proposal, propose

__all__ = [
    "Installer",
    "Problem",
    "Proposal",
    "Report",
    "SetupReport",
    "bars",
    "check",
    "client_settings",
    "doctor",
    "propose",
    "run",
    "silent",
]
