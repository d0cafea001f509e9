"""Results shown while the job still runs: lines on stdout that the worker takes for pieces of the result."""

from collections.abc import Iterable


def append_to_result_stream(text: str) -> None:
    """Add a piece of text to the job's result stream."""
    escaped = text.replace("\n", "\\n")
    # Unflushed, a piece would sit in the buffer until the job ends.
    print(f"WM_STREAM: {escaped}", flush=True)


def stream_result(stream: Iterable[str]) -> None:
    """Add every piece of text to the job's result stream as it comes."""
    for text in stream:
        append_to_result_stream(text)
