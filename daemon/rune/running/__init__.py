"""What was run: command lines, the runs in them, of what each speaks, and what became of it. Pure.

``shell`` reads a line, ``programs`` says what a command runs, ``verdicts`` what a runner's output tells,
``scopes`` of what a run speaks, ``runs`` what became of each run of a line and what that proves, ``unfold``
the same of a session. ``editing`` says whether a command may have mended something, ``essence`` what it comes
to.
"""
