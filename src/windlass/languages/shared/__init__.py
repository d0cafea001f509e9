"""What more than one language needs, one subject per file."""
