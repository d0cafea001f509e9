"""A job's output: decoded, limited, split from its result stream, with bounded memory."""

import asyncio
import resource
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from support.platform import running_platform
from windlass.jobs import logs
from windlass.worker.logs import CHUNK, Output

LIMIT = 64 * 1024
DRIPS = """
import time
def main():
    for n in range(300):
        print(n, flush=True)
        time.sleep(0.003)
"""
LINES = ["plain\n", "WM_STREAM: a\n", "WM_STREAM:b\\nc\n", "see WM_STREAM: no\n", "W", "WM_", "ä😀\n", "\n", "\r\n"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(urls):
    """A platform that keeps 64 KiB of a log."""
    async with running_platform(urls, max_log_chars=LIMIT) as platform:
        yield platform


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def growth():
    """By how many bytes this process, worker included, grew at most until this was canceled."""
    before = most = resident()
    with suppress(asyncio.CancelledError):
        while True:
            most = max(most, resident())
            await asyncio.sleep(0.01)
    return most - before


async def test_a_log_over_the_limit_is_cut_with_a_marker(platform):
    done = await platform.preview("def main():\n    for n in range(100_000): print(n)\n    return 'ok'")
    assert done["result"] == "ok"
    assert "log limit of 64 KiB reached" in done["logs"]
    assert LIMIT <= len(done["logs"]) < LIMIT + 200
    assert done["logs"].startswith("0\n1\n2\n")


@pytest.mark.parametrize("ending", ["x", "\\n"], ids=["one endless line", "empty lines"])
async def test_a_hundred_megabytes_of_output_cost_no_memory(platform, ending):
    watching = asyncio.create_task(growth())
    code = f"head -c 100000000 /dev/zero | tr '\\0' '{ending}'; echo; echo end"
    done = await platform.preview(code, "bash", timeout=60)
    watching.cancel()
    assert done["result"] == "end"
    assert len(done["logs"]) < LIMIT + 200
    assert await watching < 40 * 2**20


async def test_binary_garbage_is_a_log_too(platform):
    done = await platform.preview("head -c 300000 /dev/urandom; echo; echo end", "bash")
    assert (done["success"], done["result"]) == (True, "end")
    assert "\ufffd" in done["logs"] and "\x00" not in done["logs"]


async def test_standard_error_is_part_of_the_log(platform):
    done = await platform.preview("import sys\ndef main():\n    print('out')\n    print('err', file=sys.stderr)")
    assert sorted(done["logs"].split()) == ["err", "out"]


async def test_nul_and_half_characters_in_a_log_are_replaced(platform):
    done = await platform.preview("def main():\n    print('a\\x00b\\ud800c')")
    assert done["logs"].startswith("a\ufffdb") and done["logs"].endswith("c\n")


async def test_a_log_that_is_written_bit_by_bit_is_complete(platform):
    assert (await platform.preview(DRIPS))["logs"] == "".join(f"{n}\n" for n in range(300))


async def test_a_flood_of_stream_lines_is_limited_as_well(platform):
    done = await platform.preview("def main():\n    for n in range(20_000): print('WM_STREAM: 0123456789')")
    assert done["success"] is True
    update = (await platform.api.get(f"{{ws}}/jobs_u/getupdate/{done['id']}")).json()
    assert LIMIT <= update["stream_offset"] < LIMIT + 200


async def test_an_empty_piece_of_a_stream_takes_no_place_from_the_next(platform):
    code = "import time\ndef main():\n    print('WM_STREAM: ', flush=True); time.sleep(0.5); print('WM_STREAM: hello')"
    done = await platform.preview(code)
    update = (await platform.api.get(f"{{ws}}/jobs_u/getupdate/{done['id']}")).json()
    assert (update["new_result_stream"], update["stream_offset"]) == ("hello", 5)


class Recorder:
    """Stands where a JobLog would, and keeps what it gets."""

    is_full = False

    def __init__(self):
        self.text, self.streamed = "", ""

    def write(self, text):
        self.text += text

    def stream(self, text):
        self.streamed += text


def fed(content, cuts=()):
    recorder = Recorder()
    output = Output(recorder, keeps_tail=True)
    bounds = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    for start, end in zip(bounds, bounds[1:], strict=False):
        output.feed(content[start:end])
    output.finish()
    return recorder, output


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES)), st.lists(st.integers(0, 10_000), max_size=6))
def test_however_the_bytes_are_cut_the_log_and_the_stream_are_the_same(parts, cuts):
    content = "".join(parts).encode()
    whole, _ = fed(content)
    pieces, output = fed(content, cuts)
    assert (pieces.text, pieces.streamed) == (whole.text, whole.streamed)
    assert output.tail == content


@pytest.mark.parametrize("text, log, stream", [
    ("WM_STREAM: a\\nb\n", "", "a\nb"), ("x WM_STREAM: a\n", "x WM_STREAM: a\n", ""),
    ("WM_STREAMS\n", "WM_STREAMS\n", ""), ("WM_STREAM: end", "", "end"), ("WM_STR", "WM_STR", ""),
])  # fmt: skip
def test_only_lines_that_begin_with_the_mark_are_streamed(text, log, stream):
    recorder, _ = fed(text.encode())
    assert (recorder.text, recorder.streamed) == (log, stream)


def test_a_line_without_an_end_is_not_held_back():
    recorder = Recorder()
    output = Output(recorder, keeps_tail=False)
    for _ in range(50):
        output.feed(b"WM_STREAM: " + b"x" * CHUNK)
    assert len(recorder.streamed) > 49 * CHUNK


def test_the_tail_is_the_last_megabyte():
    content = b"".join(b"%07d\n" % n for n in range(400_000))
    _, output = fed(content, cuts=range(0, len(content), CHUNK))
    assert output.tail == content[-(2**20) :]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 50))
def test_a_tail_skips_utf16_units(text, skip):
    encoded = text.encode("utf-16-le")
    assert logs.length(text) == len(encoded) // 2
    assert logs.tail(text, skip) == encoded[2 * skip :].decode("utf-16-le", "replace")
