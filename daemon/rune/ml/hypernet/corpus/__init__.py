"""Coding sessions without end, made of a seed: what the hypernetwork is taught with, and judged by.

``vocabulary`` says which words, ``templates`` in which sentences, ``sessions`` puts them together; each has a
part that is held out. ``leaks`` looks whether any of it came into training after all. No tensors here.
"""
