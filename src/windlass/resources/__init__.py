"""Resources: JSON values under a path, with a type; and the types themselves.

Knows how a value refers to variables and other resources, and fills such references in. Refuses to know what
a job is. Begin with `service.py`; `interpolate.py` is what workers call before a job starts.
"""
