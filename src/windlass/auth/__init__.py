"""Who is calling, and what may they do.

Knows accounts, tokens, sessions, roles, scopes. Refuses to know what a script or a job is. Begin with `permissions.py`,
then `identity.py`, which turns a presented token into a `Principal`.
"""
