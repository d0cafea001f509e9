"""Runs the duties on one server at a time. The leader holds an advisory lock on a connection of its own; when that
connection goes, so does the leadership, and another server takes over within a few seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from windlass.db.pool import Database, guarding
from windlass.errors import DatabaseUnavailable
from windlass.telemetry import get_logger

log = get_logger("maintenance")
LOCK_KEY = 7_463_110_204
ELECTION_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Something to do every `interval` seconds."""

    name: str
    interval: float
    work: Callable[[Database], Awaitable[None]]


async def run(database: Database, duties: list[Duty]) -> None:
    """Lead when nobody else does, for ever."""
    while True:
        try:
            await _lead(database, duties)
        except (DatabaseUnavailable, asyncpg.PostgresError):
            log.warning("maintenance lost the database")
        await asyncio.sleep(ELECTION_S)


async def _lead(database: Database, duties: list[Duty]) -> None:
    connection = await database.dedicated()
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    try:
        with guarding():
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
                return
        tasks = [asyncio.create_task(_repeat(database, duty), name=duty.name) for duty in duties]
        try:
            await gone.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        connection.terminate()


async def _repeat(database: Database, duty: Duty) -> None:
    while True:
        try:
            await duty.work(database)
        except DatabaseUnavailable:
            pass
        except Exception as error:  # noqa: BLE001 - the other supervisor: one bad tick must not end the duty
            log.error("duty failed", duty=duty.name, exc_info=error)
        await asyncio.sleep(duty.interval)
