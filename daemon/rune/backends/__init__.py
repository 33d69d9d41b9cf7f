"""Engines behind the one protocol ``rune.serving.Backend``: what generates tokens, wherever it runs.

``local`` is this machine's own engine, in the worker; ``wire`` is how its requests and events travel.
``vllm_http`` is a server elsewhere, ``slots`` keeps to the adapters it has room for, and ``store`` is where
several machines have their adapters in common.
"""
