"""Logging: one structured record a line, human-readable on a terminal, JSON when asked."""

import logging
import sys

import structlog

LEVELS = {"trace": "DEBUG", "debug": "DEBUG", "info": "INFO", "warn": "WARNING", "error": "ERROR", "off": "CRITICAL"}


def configure(*, level: str, as_json: bool, role: str) -> None:
    """Set up logging for this process. `role` (server, worker …) is stamped on each record."""
    name = LEVELS.get(level.split(",")[0].lower(), "INFO")
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, name)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that stamps the module's subject on each record."""
    return structlog.get_logger(subject=name)
