"""The sandbox launcher: the only way in which user code starts on this machine.

`client` is what the worker calls. It talks to one small fork server (`server`), which forks one `supervisor`
per job; the supervisor starts the job behind the layers of `confine` (`landlock`, `seccomp`) and kills
everything the job left behind. `identity` picks the uid, `probe` measures from the inside what the sandbox
really closes.

Everything the fork server imports is standard library, and `windlass` and `windlass.worker` must stay free of
imports in their `__init__`: the server runs without site-packages so that a fork stays cheap.
"""
