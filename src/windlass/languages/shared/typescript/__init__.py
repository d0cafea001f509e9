"""What Bun and Deno share: reading TypeScript without running it, and the part of a job that is JavaScript.

`signature` and `imports` are for the plug-ins; `job/` is executed by their processes.
"""
