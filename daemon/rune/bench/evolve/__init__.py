"""``rune bench evolve``: what evolution does for a memory that lives long.

``kill`` breaks a plan off at each of its steps; ``drift`` is a simulated project whose facts change;
``gated`` trains real sessions and lets them evolve, beside keeping everything and beside adding up
everything. ``stages`` runs them and writes the result.
"""
