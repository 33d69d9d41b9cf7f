"""The Phase 1 kill switch: does a trajectory in weights change what the base can do, as registered before?

``protocol`` is what was written down before any training, ``procedures`` are the tasks, ``story`` tells each
as a session, ``leaks`` asserts that no prompt holds what it must not, ``execution`` runs code, ``arms``
answer, ``verdict`` decides, ``run`` does it all. No arm but the one that is named so sees a source.
"""
