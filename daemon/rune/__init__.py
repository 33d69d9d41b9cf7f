"""Rune: a memory for coding agents that lives in weights."""

__version__ = "0.1.0"
