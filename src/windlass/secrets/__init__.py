"""Variables: named texts of a workspace, plain or secret.

Knows how a secret is encrypted and who read one. Refuses to know what a resource or a job is. Begin with
`service.py`; `backends/` says where the text of a secret rests.
"""
