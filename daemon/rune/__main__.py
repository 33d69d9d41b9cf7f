"""``python -m rune``."""

from rune.cli import main

if __name__ == "__main__":
    main()
