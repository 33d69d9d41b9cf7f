"""A question to one adapter, and its answer held against the trajectory that the adapter came from.

Retrieval (``Recaller.find``) picks at most one adapter, or says why it picks none; the answer is generated
from its weights alone (the generator is given the question and the adapter's folder); then every sentence is
checked: one that the trajectory does not support is withheld. Below the floor, or when nothing is left, there
is an abstention that says why, with text evidence where there is any.

The text memory is found through the same index: remembrances and echoes that are close to the question come
before the events of the session. A lesson that rests on an echo which is gone is neither found nor believed.

Cards, text memory and index are looked at for every question; what did not change is not parsed, embedded or
loaded again.

``recaller`` does it, ``sources`` is what can be found and shown.
"""

from rune.recall.recaller import NOTHING, UNSUPPORTED, Asked, Found, Recaller, gain, ranked
from rune.recall.sources import documents, evidence, texts, told_by, with_texts

__all__ = [
    "NOTHING", "UNSUPPORTED", "Asked", "Found", "Recaller", "documents", "evidence", "gain", "ranked",
    "texts", "told_by", "with_texts",
]  # fmt: skip
