"""Background duties of the platform: one duty per file, run by one leader among all servers. Begin with `runner.py`."""
