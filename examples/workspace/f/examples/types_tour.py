from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, Optional, TypedDict


class Priority(Enum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class c_api_credentials(TypedDict):
    base_url: str
    api_key: str


class Address(TypedDict):
    street: str
    city: str


def main(
    text: str,
    whole_number: int = 3,
    number: float = 1.5,
    yes_or_no: bool = True,
    choice: Literal["small", "medium", "large"] = "medium",
    priority: Priority = Priority.NORMAL,
    optional_text: Optional[str] = None,
    texts: list[str] = ["one", "two"],
    numbers: list[int] = [1, 2],
    choices: list[Literal["red", "green", "blue"]] = ["red"],
    free_object: dict = {"any": "thing"},
    address: Optional[Address] = None,
    day: Optional[date] = None,
    moment: Optional[datetime] = None,
    file: Optional[bytes] = None,
    credentials: Optional[c_api_credentials] = None,
    anything: Any = None,
):
    """Return every argument with the Python type it arrived as.

    Args:
        text: The only one that must be given
        choice: One of a fixed list
        credentials: A resource of type c_api_credentials; the form offers those you may use
        file: The content of an uploaded file
    """
    arguments = dict(locals())
    return [{"name": name, "type": type(value).__name__, "value": shown(value)} for name, value in arguments.items()]


def shown(value):
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value
