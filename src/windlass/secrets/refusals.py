"""What the database refuses, told as errors of ours. Used by variables and resources."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from windlass.errors import BadRequest, Forbidden


@contextmanager
def told_plainly(thing: str) -> Iterator[None]:
    """Turn a refusal of the database into BadRequest or Forbidden; `thing` is such as `variable u/a/b`."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise BadRequest(f"{thing} already exists") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise Forbidden(f"you may not write {thing}") from error
    except asyncpg.DataError as error:
        raise BadRequest(f"{thing}: a NUL or half a surrogate pair cannot be stored") from error
