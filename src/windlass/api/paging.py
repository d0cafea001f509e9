"""Paging as the protocol has it: pages 0 and 1 are both the first, `per_page` is capped."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator

MOST = 1000

Page = Annotated[int, Query(ge=0, le=1_000_000)]
PerPage = Annotated[int, Query(ge=1), AfterValidator(lambda asked: min(asked, MOST))]


def csv(value: str | None) -> list[str] | None:
    """A comma-separated query value as a list; None and empty mean no filter."""
    return [part for part in value.split(",") if part] if value else None
