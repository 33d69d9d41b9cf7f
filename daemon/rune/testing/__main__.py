"""``python -m rune.testing``: a daemon or a worker made of fakes."""

import sys

from rune.testing import main

main(sys.argv[1:])
