"""The JSON Schema of a script's arguments, in the form that Windmill's clients and forms read."""

from dataclasses import dataclass

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One argument: its own schema, and whether a caller must give it."""

    name: str
    schema: dict
    required: bool


def arguments_schema(parameters: list[Parameter]) -> dict:
    """One object schema for all arguments; `order` keeps the order in which they are written."""
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": {one.name: one.schema for one in parameters},
        "required": [one.name for one in parameters if one.required],
        "order": [one.name for one in parameters],
    }
