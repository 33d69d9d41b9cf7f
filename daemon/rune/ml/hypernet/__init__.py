"""The hypernetwork: a text becomes an adapter in one forward pass.

Our own implementation of Doc-to-LoRA (arXiv:2602.15902) from its formulas: the frozen base reads the text
(``features``), two perceivers make a fixed number of vectors of it (``perceiver``), a head per layer turns
each into a row of A and B (``network``), chunks are joined along the rank (``joining``). ``checkpoint`` owns
the format on disk, ``sakana`` reads published ones; ``corpus`` and ``training`` teach it; ``distiller`` puts
it behind the port.

Dimensions in every signature: N chunks, X contexts, L layers with an adapter, M kinds of layer, S tokens, h
the base's width, d the hypernetwork's, r rank of a chunk, R rank of a whole adapter, I in and O out of a
layer.
"""
