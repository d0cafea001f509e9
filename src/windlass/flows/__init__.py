"""Flows. For now the one thing that plain jobs need of this room: `settle`, the only way a job ends."""
