"""Scripts: versions under a path, their locks, drafts. A version never changes but for its lock and its archiving.

Begin with `service.py`; `deploy.py` is what a worker reports back to.
"""
