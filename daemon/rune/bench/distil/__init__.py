"""``rune bench distil``: what real sessions become in weights, beside every rival, every answer as it came.

Work is kept as one JSON file for each session and stage; a run that was cut off goes on where it stopped.
"""
