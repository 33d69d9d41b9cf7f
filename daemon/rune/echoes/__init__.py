"""The text memory: entries of what was learnt, in Markdown, and their lifecycle as deterministic code.

Policy is pure (score, prune, compress, consolidate, promote, migrate); effects are at the rim (store).
"""
