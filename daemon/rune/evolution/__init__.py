"""Which adapters to consolidate, update, forget and merge, and why: policy alone, no file is read or written.

``fitness`` says how good an adapter is, ``outcomes`` what came of recalls, ``similar`` which adapters are
about the same, ``facts`` which lessons a newer one has replaced (by what each is ``telling``, of which
``subject`` and ``owner``, whether there is ``only`` one such value, by ``moves``, ``commands`` and ``tools``,
in ``wording``; ``lasting`` says what keeps its place), ``retiring`` what that means for adapters, ``actions``
what may be planned, ``plan`` what to do, ``gate`` whether a child may take its parents' place, ``lineage``
who comes from whom, ``drawing`` the same as a picture.
"""
