"""The use cases of the text memory: each a function over a change (or the files), a report and its text.

A function that changes something takes a ``store.Change``, writes into it and returns its report. The same
function makes the plan that is shown and does what was confirmed; see ``proposal``.
"""
