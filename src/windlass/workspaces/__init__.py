"""Workspaces and the people in them: members, groups, folders.

Knows who belongs to what and who owns which folder. Refuses to know what is stored at a path. Begin with
`service.py`; `users.py`, `groups.py` and `folders.py` are about the people of one workspace, `first_start.py`
fills an empty instance.
"""
