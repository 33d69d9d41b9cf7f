"""Which adapters to consolidate, update, forget and merge, and why: policy alone, no file is read or written.

``fitness`` says how good an adapter is, ``outcomes`` what came of recalls, ``similar`` which adapters are
about the same, ``facts`` which lessons a newer one has replaced (by what each is ``telling``, ``moves`` and
``commands``, in ``wording``), ``plan`` what to do, ``gate`` whether a child may take its parents' place,
``lineage`` who comes from whom, ``drawing`` the same as a picture.
"""
