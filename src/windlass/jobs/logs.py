"""Job logs: appended by the attempt that holds the job, read from an offset. Offsets count UTF-16 units, because the
protocol's clients advance theirs by the length of a JavaScript string.
"""

from uuid import UUID

from windlass.db.pool import Transaction
from windlass.jobs.launch import queries
from windlass.jobs.pull import Held


def length(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def tail(text: str, skip: int) -> str:
    """The text without its first `skip` UTF-16 units."""
    if skip <= 0:
        return text
    if text.isascii():
        return text[skip:]
    return text.encode("utf-16-le", "surrogatepass")[2 * skip :].decode("utf-16-le", "replace")


async def append(tx: Transaction[None], held: Held, *, start: int, content: str) -> int:
    """Add a chunk at an offset and return where the log ends now. A stale attempt adds nothing; a repeat changes
    nothing."""
    end = start + length(content)
    await queries.append_log(
        tx.connection, job_id=held.job_id, epoch=held.epoch, start_offset=start, end_offset=end, content=content
    )
    return end


async def append_stream(tx: Transaction[None], held: Held, *, start: int, content: str) -> int:
    """Add a chunk to the result stream and return where it ends now."""
    await queries.append_stream(
        tx.connection, job_id=held.job_id, epoch=held.epoch, start_offset=start, content=content
    )
    return start + length(content)


async def end(tx: Transaction[None], job_id: UUID) -> int:
    """Where the log of a job ends."""
    return await queries.log_end(tx.connection, job_id=job_id)


async def read(tx: Transaction, job_id: UUID, *, offset: int = 0) -> str:
    """The log from an offset on. The caller has checked that the job may be seen."""
    chunks = [row async for row in queries.read_log(tx.connection, job_id=job_id, offset=offset)]
    return "".join(tail(row["content"], offset - row["start_offset"]) for row in chunks)


async def read_stream(tx: Transaction, job_id: UUID, *, offset: int = 0) -> str:
    """The result stream from an offset (of a chunk's start) on."""
    return await queries.read_stream(tx.connection, job_id=job_id, offset=offset) or ""
