"""What every engine is asked and what it answers, wherever it runs: values, and one protocol.

``types`` are the values, ``backend`` is the protocol. The engine itself is ``rune.ml.serve``;
``rune.backends`` reach it, or an engine of somebody else; ``rune.endpoint`` speaks HTTP in front of them.
"""
