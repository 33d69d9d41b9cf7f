"""What a thousand users and a million adapters need: bytes, hit rates, machines, money.

``caching`` simulates LRU and computes Che's approximation of it, ``assumed`` holds every number that was not
computed, ``study`` puts both together. No engine runs here: a simulation says what a cache holds, and what
a machine does is an assumption by name.
"""
