"""Watching a job: getupdate and its stream of events, with a real worker."""

import asyncio
import json

import pytest
import pytest_asyncio

from support.api import make_member
from support.runs import asleep, ended, logged, preview, until, waiting

PRINTS = """
import time
def main(lines):
    for line in lines:
        print(line, flush=True)
        time.sleep(0.01)
"""
COUNTS = """
import time
def main():
    for n in range(5):
        print(n, flush=True)
        time.sleep(0.2)
    return "done"
"""
STREAMS = """
import time
def main():
    print("before")
    for part in ("a", "b\\\\nc", "😀"):
        print("WM_STREAM: " + part, flush=True)
        time.sleep(0.3)
    print("after")
"""
MUMBLES = """
import sys
def main():
    print("see WM_STREAM: no")
    sys.stdout.write("WM_STR")
"""
EMOJI = "def main():\n    print('ä😀b', flush=True)\n    import time\n    time.sleep(60)\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(platform):
    """The admin."""
    return platform.api


async def update(client, id, **params):
    response = await client.get(f"{{ws}}/jobs_u/getupdate/{id}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def events(client, id, **params):
    response = await client.get(f"{{ws}}/jobs_u/getupdate_sse/{id}", params=params)
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in response.text.split("\n\n") if line]


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


async def test_the_first_update_tells_everything_so_far(api):
    id = await asleep(api)
    first = await update(api, id)
    assert first.items() >= {"running": True, "completed": False, "new_logs": "asleep\n", "log_offset": 7}.items()
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


async def test_offsets_count_as_javascript_does(api):
    id = await preview(api, EMOJI)
    await logged(api, id, "b\n")
    first = await update(api, id)
    assert (first["new_logs"], first["log_offset"]) == ("ä😀b\n", 5)
    assert first["log_offset"] == utf16(first["new_logs"])
    for offset, rest in ((1, "😀b\n"), (3, "b\n"), (4, "\n")):
        assert (await update(api, id, log_offset=offset))["new_logs"] == rest
    beyond = await update(api, id, log_offset=999, running="true")
    assert "new_logs" not in beyond and beyond["log_offset"] == 999
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


async def test_a_watcher_that_advances_by_the_length_it_got_reads_the_log_once(api):
    lines = [f"{number} {'😀' * (number % 7)} ü" for number in range(60)]
    id = await preview(api, PRINTS, args={"lines": lines})
    read, offset = "", 0
    async with asyncio.timeout(30):
        while True:
            news = await update(api, id, log_offset=offset, running="true")
            read += news.get("new_logs", "")
            offset += utf16(news.get("new_logs", ""))
            assert news["log_offset"] == offset
            if news["completed"] and not news.get("new_logs"):
                break
    assert read == "".join(f"{line}\n" for line in lines)


async def test_an_update_without_news_waits_a_little(api):
    id = await asleep(api)
    clock = asyncio.get_running_loop().time
    begun = clock()
    news = await update(api, id, log_offset=7, running="true")
    assert 0.3 < clock() - begun < 5
    assert "new_logs" not in news
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


async def test_an_update_that_waits_is_answered_as_soon_as_there_is_news(api):
    id = await waiting(api)
    watching = asyncio.create_task(events(api, id, only_result="true"))
    await until(lambda: _watched(api, id, watching))
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})
    async with asyncio.timeout(5):
        assert (await watching)[-1]["completed"] is True


async def _watched(api, id, watching):
    return not watching.done() and (await update(api, id))["completed"] is False


async def test_a_completed_job_is_told_at_once_with_its_result_when_asked(api):
    done = await ended(api, await preview(api, "def main():\n    print('hi')\n    return {'a': 1}"))
    assert (await update(api, done["id"])).items() >= {"completed": True, "running": False, "new_logs": "hi\n"}.items()
    assert (await update(api, done["id"], only_result="true"))["only_result"] == {"a": 1}
    assert "new_logs" not in await update(api, done["id"], no_logs="true")


async def test_events_follow_a_job_until_it_has_ended(api):
    id = await preview(api, COUNTS)
    seen = await events(api, id, only_result="true")
    assert {event["type"] for event in seen} <= {"update", "ping"}
    assert "".join(event.get("new_logs", "") for event in seen) == "0\n1\n2\n3\n4\n"
    assert len([event for event in seen if event.get("new_logs")]) > 1
    assert [event["completed"] for event in seen] == [False] * (len(seen) - 1) + [True]
    assert seen[-1]["only_result"] == "done"
    assert any(event["running"] for event in seen[:-1])


async def test_events_of_a_completed_job_are_one(api):
    done = await ended(api, await preview(api, "def main():\n    print('x')\n    return 7"))
    (only,) = await events(api, done["id"], only_result="true")
    assert only.items() >= {"type": "update", "completed": True, "only_result": 7, "new_logs": "x\n"}.items()


async def test_events_of_an_unknown_job_say_not_found(api):
    assert await events(api, "00000000-0000-4000-8000-000000000000") == [{"type": "not_found"}]


async def test_a_foreign_job_is_not_found(api):
    dev = await make_member(api, "dev")
    id = await waiting(api)
    assert await events(dev, id) == [{"type": "not_found"}]
    assert (await dev.get(f"{{ws}}/jobs_u/getupdate/{id}")).status_code == 404


async def test_stream_lines_become_the_result_stream_and_not_the_log(api):
    id = await preview(api, STREAMS)
    seen = await events(api, id)
    assert "".join(event.get("new_result_stream", "") for event in seen) == "ab\nc😀"
    assert "".join(event.get("new_logs", "") for event in seen) == "before\nafter\n"
    whole = await update(api, id)
    assert (whole["new_result_stream"], whole["stream_offset"]) == ("ab\nc😀", 6)


async def test_a_word_in_the_middle_of_a_line_is_no_stream(api):
    done = await ended(api, await preview(api, MUMBLES))
    assert done["logs"] == "see WM_STREAM: no\nWM_STR"
    assert "new_result_stream" not in await update(api, done["id"])


async def test_progress_is_part_of_an_update(api):
    id = await asleep(api)
    await api.post(f"{{ws}}/job_metrics/set_progress/{id}", json={"percent": 30})
    assert (await update(api, id, get_progress="true"))["progress"] == 30
    await api.post(f"{{ws}}/jobs_u/queue/cancel/{id}", json={})


@pytest.mark.parametrize(
    "params", [{"log_offset": -1}, {"log_offset": "x"}, {"log_offset": 2**40}, {"running": "maybe"}]
)
async def test_a_bad_offset_is_a_400(api, params):
    id = await waiting(api)
    for route in ("getupdate", "getupdate_sse"):
        assert (await api.get(f"{{ws}}/jobs_u/{route}/{id}", params=params)).status_code == 400
