"""Named queries from the `queries.sql` that lies beside the calling room. SQL is source: it is never built from
strings."""

from pathlib import Path
from typing import Any

import aiosql


def load(room_file: str) -> Any:
    """The queries of the room that owns `room_file` (pass `__file__`), as async methods named after their blocks."""
    return aiosql.from_path(Path(room_file).parent / "queries.sql", "asyncpg", mandatory_parameters=False)
