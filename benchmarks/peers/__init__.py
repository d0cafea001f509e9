"""Other task systems and Windlass, measured side by side on one machine. Begin with `__main__`."""
