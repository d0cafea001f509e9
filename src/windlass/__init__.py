"""Windlass turns scripts into workflows, webhooks, schedules and UIs. Begin with ARCHITECTURE.md."""

__version__ = "0.1.0"
