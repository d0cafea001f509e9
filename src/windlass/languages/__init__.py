"""The languages room: what a script's code means and how it becomes a process.

It knows signatures, dependency locks, and the command that runs one job; it refuses to know databases,
settings, workers or sandboxes: a `Command` is data, and the worker runs it. Each folder beside this file is
one plug-in, found through the entry-point group `windlass.languages`. Begin with `base.py`, then
`registry.py`.
"""
