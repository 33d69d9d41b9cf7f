"""Benchmarks and the demo: each writes its figures to docs/results."""
