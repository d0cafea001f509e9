"""Workers: claim jobs, run them in the sandbox, report back.

`loop` holds the slots, `source` speaks with the queue, `execute` carries one job from claim to outcome, `launcher`
is the only way to start a process. Begin with `execute.py`.
"""
