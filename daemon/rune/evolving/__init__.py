"""Carries out what ``rune.evolution`` decides.

``standing`` reads cards, ledger and recalls into what a plan is made of, ``carrying`` does what needs no
model, ``examining`` asks probes of parents and child, ``breeding`` makes a child and publishes it if it
passes, ``quiet`` finds the hours for it.

Every step can be repeated and broken off: an outcome is judged once, a child is published whole or not at
all, and a parent that still serves beside its child is put in order at the next start.
"""
