"""``rune bench serve``: the serving engine beside its own base and beside PEFT, stage by stage.

Arms take turns within a round, in changing order, and a figure is the median over the rounds of a ratio
within one round: whatever else the machine does meets all of them.
"""
