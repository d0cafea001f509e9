"""Hashes of script versions: a signed 64-bit number in the database, 16 hexadecimal digits on the wire."""

import re

from windlass.errors import BadRequest

HASH = re.compile(r"[0-9a-fA-F]{1,16}")


def hex_of(number: int) -> str:
    """A version's hash as the wire shows it."""
    return f"{number & (2**64 - 1):016x}"


def find_number(text: str) -> int | None:
    """The stored form of a hash from the wire; None when it is none."""
    if not HASH.fullmatch(text):
        return None
    number = int(text, 16)
    return number - 2**64 if number >= 2**63 else number


def number_of(text: str) -> int:
    """The stored form of a hash from the wire; BadRequest when it is none."""
    number = find_number(text)
    if number is None:
        raise BadRequest(f"{text[:40]!r} is not a script hash: 16 hexadecimal digits")
    return number
