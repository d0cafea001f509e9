"""What runs inside a Python job's process: standard library only, and as little of it as the job needs.

`runner` is imported by every job; `arguments`, `encoding` and `failures` only by those that need them,
because each import costs a job that starts cold time. That is why imports inside functions are the rule in this package
alone.
"""
