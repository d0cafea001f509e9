"""The installed languages, by their names on the wire; asked by the API, the worker and the deploy path."""

from windlass import registry
from windlass.languages.base import Language

GROUP = "windlass.languages"


def names() -> tuple[str, ...]:
    """Every language's name, sorted; imports none of them."""
    return registry.names(GROUP)


def get(name: str) -> Language:
    """One language, imported on first use; raises NotFound."""
    return registry.get(GROUP, name)
