"""The HTTP face: Windmill's paths and shapes over the domain rooms.

Handlers are about ten lines: they name their capability, open one transaction, call one room, and answer. No SQL, no
rules, no try/except. Begin with `access.py` (who may call what) and `app.py`.
"""
