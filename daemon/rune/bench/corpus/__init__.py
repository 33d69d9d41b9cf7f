"""The corpus: planted secrets, look-alikes and real lines, from a seed; see ``rune.bench.secrets``."""
