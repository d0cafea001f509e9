"""What happens inside a Python job's process."""

import base64
import json
import textwrap

import pytest

from support.run_language import Run, install, resolve, run_language, run_sandboxed
from windlass.languages.python import language


@pytest.fixture
def by_exec(tools):
    """Run a script's text with arguments, in a process of its own and without a sandbox."""

    def run(code: str, args: dict | None = None, lock: str = "", entrypoint: str = "main") -> Run:
        return run_language(language, textwrap.dedent(code), args, tools=tools, lock=lock, entrypoint=entrypoint)

    return run


@pytest.fixture
def by_fork(tools, warm):
    """Run a script's text with arguments, in a fork of a warm interpreter and in the sandbox."""
    runner, warmth = warm

    def run(code: str, args: dict | None = None, lock: str = "", entrypoint: str = "main") -> Run:
        job = run_sandboxed(
            warmth, language, textwrap.dedent(code), args, tools=tools, lock=lock, entrypoint=entrypoint
        )
        return runner.run(job)

    return run


@pytest.fixture(params=["by_exec", "by_fork"])
def run(request):
    """Run a script's text with arguments, in both ways in which a job starts."""
    return request.getfixturevalue(request.param)


def test_arguments_become_what_their_annotations_say(run):
    code = """
        import datetime as dt
        from dataclasses import dataclass
        from enum import Enum
        from typing import Annotated, Dict, List, Optional, Union

        class Color(Enum):
            RED = "red"

        @dataclass
        class Point:
            x: int
            at: Optional[dt.date] = None
            color: "Color" = Color.RED

        def main(moment: dt.datetime, day: dt.date, full_day: dt.date, clock: dt.time,
                 raw: bytes, link: bytes,
                 color: Color, by_name: Color, point: Point, points: List[Point], by_key: Dict[str, dt.date],
                 either: Union[int, dt.date], noted: Annotated[dt.date, "x"], late: "dt.date", many: set[int],
                 maybe: Optional[Point] = None, nothing: dt.date | None = None):
            assert moment == dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
            assert day == full_day == noted == late == either == dt.date(2026, 1, 2)
            assert type(full_day) is dt.date and clock == dt.time(3, 4)
            assert raw == link == b"hi" and color is by_name is Color.RED
            assert point == Point(1, dt.date(2026, 1, 2)) and points == [Point(2)] and maybe == Point(3)
            assert by_key == {"k": dt.date(2026, 1, 2)} and many == {1, 2} and nothing is None
            return "all right"
    """
    day = "2026-01-02"
    args = {
        "moment": "2026-01-02T03:04:05Z",
        "day": day,
        "full_day": "2026-01-02T00:00:00.000Z",
        "clock": "03:04",
        "raw": "aGk=",
        "link": "data:text/plain;base64,aGk=",
        "color": "red",
        "by_name": "RED",
        "point": {"x": 1, "at": day, "unknown": 1},
        "points": [{"x": 2}],
        "by_key": {"k": day},
        "either": day,
        "noted": day,
        "late": day,
        "many": [1, 2, 2],
        "maybe": {"x": 3},
        "nothing": None,
    }
    assert run(code, args).value == "all right"


def test_string_annotations_by_the_future_import_are_understood(run):
    code = """
        from __future__ import annotations
        from datetime import date
        def main(day: date, count: int, who: str | None):
            return [day.year, count, who]
    """
    assert run(code, {"day": "2026-01-02", "count": 2}).value == [2026, 2, None]


@pytest.mark.parametrize(
    "declared", ["", "class postgresql(TypedDict):\n    dbname: str\n", "class postgresql(dict): pass\n"]
)
def test_a_resource_answers_database_and_dbname_but_passes_its_own_keys(run, declared):
    code = f"from typing import TypedDict\n{declared}" + textwrap.dedent("""
        def main(db: postgresql) -> "postgresql":
            connect = lambda **keys: sorted(keys)
            return [db["database"], db["dbname"], db.get("database"), db.get("nope", 1), connect(**db), db]
    """)
    value = {"dbname": "shop", "port": 5432}
    assert run(code, {"db": value}).value == ["shop", "shop", "shop", 1, ["dbname", "port"], value]
    other = {"database": "shop"}
    assert run(code, {"db": other}).value == ["shop", "shop", "shop", 1, ["database"], other]


def test_an_unknown_key_of_a_resource_is_a_key_error(run):
    assert run("def main(db: mysql): return db['nope']", {"db": {}}).error["name"] == "KeyError"


def test_an_upper_case_name_that_nothing_defines_stays_an_error(run):
    assert run("def main(x: Unheard): pass", {"x": 1}).error["name"] == "NameError"


def test_arguments_that_main_does_not_take_are_dropped_unless_it_takes_all(run):
    assert run("def main(a): return a", {"a": 1, "b": 2}).value == 1
    assert run("def main(a, **rest): return [a, rest]", {"a": 1, "b": 2}).value == [1, {"b": 2}]
    assert run("def main(a, b=2, /, *more, c, d=4): return [a, b, c, d]", {"a": 1, "c": 3}).value == [
        1,
        2,
        3,
        4,
    ]
    assert run("def main(a=1, b=2, /): return [a, b]", {"b": 5}).value == [1, 5]


def test_a_decorated_main_is_called_with_the_arguments_of_the_inner_one(run):
    code = """
        import functools
        def twice(f):
            @functools.wraps(f)
            def inner(*a, **k):
                return [f(*a, **k)] * 2
            return inner
        @twice
        def main(a: int):
            return a
    """
    assert run(code, {"a": 1, "b": 2}).value == [1, 1]


def test_a_missing_argument_is_named_and_an_optional_one_is_none(run):
    error = run("def main(a, b): pass", {"a": 1}).error
    assert error["name"] == "MissingArgument" and "'b'" in error["message"]
    assert run("from typing import Optional\ndef main(a: Optional[int]): return a").value is None


def test_an_argument_that_does_not_fit_is_named(run):
    error = run("from datetime import date\ndef main(day: date): pass", {"day": "soon"}).error
    assert error["name"] == "InvalidArgument"
    assert "'day'" in error["message"] and "soon" in error["message"]
    assert "windlass_job/" not in error["stack"]


def test_a_missing_entry_point_is_named(run):
    assert "'other'" in run("def main(): pass", entrypoint="other").error["message"]


def test_coroutines_are_awaited_and_generators_collected(run):
    assert run("import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 1").value == 1
    assert run("def main():\n    yield 1\n    yield 2").value == [1, 2]
    assert run("async def main():\n    yield 1\n    yield 2").value == [1, 2]


def test_every_odd_result_is_written_as_json(run):
    code = """
        import collections, dataclasses, datetime as dt, decimal, enum, pathlib, uuid
        class E(enum.Enum):
            A = "a"
        class Text(str, enum.Enum):
            B = "b"
        @dataclasses.dataclass
        class D:
            x: int
            when: dt.date
        class Odd:
            def __str__(self):
                return "odd"
        Pair = collections.namedtuple("Pair", "a b")
        def main():
            return {
                "times": [dt.datetime(2026, 1, 2, 3), dt.date(2026, 1, 2), dt.time(3)],
                "duration": dt.timedelta(minutes=1),
                "decimals": [decimal.Decimal("1.10"), decimal.Decimal("1e400"), decimal.Decimal("NaN")],
                "precise": decimal.Decimal("0.1234567890123456789012345"),
                "uuid": uuid.UUID(int=1), "bytes": b"hi", "array": bytearray(b"hi"),
                "path": pathlib.Path("/a/b"),
                "sets": [{1}, frozenset({2}), (3,), Pair(4, 5), range(2)],
                "lists": [collections.deque([6]), {7: 8}.values()],
                "enums": [E.A, Text.B], "data": D(1, dt.date(2026, 1, 2)), "class": D is not None,
                "floats": [float("nan"), float("inf"), -float("inf"), 1.5], "big": 2**70,
                "keys": {1: 3, None: 2, (1, 2): 4, dt.date(2026, 1, 2): 5, E.A: 6, 1.5: 7},
                "strings": ["\\ud800", "\\0", "\\U0001f98a", "\\ud83e\\udd8a"], "odd": Odd(),
                "error": ValueError("bad"), "generator": (n for n in range(2)),
                "counter": collections.Counter("aa"),
            }
    """
    assert run(code).value == {
        "times": ["2026-01-02T03:00:00", "2026-01-02", "03:00:00"],
        "duration": 60.0,
        "decimals": [1.1, "1E+400", None],
        "precise": "0.1234567890123456789012345",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "bytes": "aGk=",
        "array": "aGk=",
        "path": "/a/b",
        "sets": [[1], [2], [3], [4, 5], [0, 1]],
        "lists": [[6], [8]],
        "enums": ["a", "b"],
        "data": {"x": 1, "when": "2026-01-02"},
        "class": True,
        "floats": [None, None, None, 1.5],
        "big": 2**70,
        "keys": {"1": 3, "null": 2, "(1, 2)": 4, "2026-01-02": 5, "a": 6, "1.5": 7},
        "strings": ["\ufffd", "\0", "\U0001f98a", "\U0001f98a"],
        "odd": "odd",
        "error": {"name": "ValueError", "message": "bad"},
        "generator": [0, 1],
        "counter": {"a": 2},
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def main():\n    a = []\n    a.append(a)\n    return a", "contains itself"),
        ("def main():\n    a = {}\n    a['b'] = {'c': a}\n    return a", "contains itself"),
        (
            "def main():\n    a = 1\n    for _ in range(100_000):\n        a = [a]\n    return a",
            "nested too deeply",
        ),
    ],
)
def test_a_result_without_an_encoding_is_explained(run, code, words):
    error = run(code).error
    assert error["name"] == "ResultNotEncodable" and words in error["message"]


def test_the_same_object_twice_is_no_circle(run):
    assert run("def main():\n    a = {1}\n    return [a, a]").value == [[1], [1]]


def test_the_stack_shows_the_scripts_own_lines_and_no_others(run):
    result = run("def main():\n    return inner()\n\ndef inner():\n    raise ValueError('bad')  # here\n")
    stack = result.error["stack"]
    assert 'File "script.py", line 5, in inner' in stack
    assert "raise ValueError('bad')  # here" in stack
    assert "windlass_job" not in stack and "wrapper" not in stack
    assert "ValueError: bad" in result.stderr


def test_the_stack_of_async_code_begins_at_the_script(run):
    stack = run("async def main():\n    raise KeyError('bad')").error["stack"]
    assert stack.splitlines()[1].strip() == 'File "script.py", line 2, in main'


def test_the_cause_of_an_exception_is_told(run):
    stack = run(
        "def main():\n    try:\n        1 / 0\n    except Exception as e:\n        raise KeyError from e"
    ).error["stack"]
    assert "ZeroDivisionError" in stack and "direct cause" in stack


def test_a_broken_exception_does_not_hide_the_failure(run):
    code = "class Bad(Exception):\n    def __str__(self):\n        1 / 0\ndef main():\n    raise Bad"
    assert run(code).error["name"] == "Bad"


def test_a_syntax_error_is_the_jobs_failure(run):
    error = run("def main(:").error
    assert error["name"] == "SyntaxError" and "script.py, line 1" in error["message"]


def test_exit_with_a_text_fails_with_the_text(run):
    error = run("import sys\ndef main():\n    sys.exit('no way')").error
    assert (error["name"], error["message"], error["exit_code"]) == ("SystemExit", "no way", 1)


def test_an_interrupt_ends_the_process_by_its_signal(run):
    result = run("import os, time\ndef main():\n    os.kill(os.getpid(), 2)\n    time.sleep(30)")
    assert result.exit_code == -2 and "SIGINT" in result.error["message"]


def test_a_crash_after_the_result_is_a_failure(run):
    code = "import atexit, os\ndef main():\n    atexit.register(os.abort)\n    return 'fine'"
    assert "SIGABRT" in run(code).error["message"]


def test_the_module_is_not_main_and_can_be_pickled(run):
    code = """
        import pickle
        class Thing:
            pass
        def main():
            return [type(pickle.loads(pickle.dumps(Thing()))) is Thing, __name__]
        if __name__ == "__main__":
            raise SystemExit("must not run")
    """
    assert run(code).value == [True, "script"]


POOL = """
    import multiprocessing
    def double(x: postgresql):
        return x * 2
    def main(method: str):
        with multiprocessing.get_context(method).Pool(2) as pool:
            return pool.map(double, [1, 2, 3])
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_works_with_its_usual_start_methods(run, method):
    assert run(POOL, {"method": method}).value == [2, 4, 6]


def test_multiprocessing_works_with_a_fork_server_where_unix_sockets_do(by_exec):
    assert by_exec(POOL, {"method": "forkserver"}).value == [2, 4, 6]


def test_logs_are_utf8_and_survive_what_utf8_cannot_hold(run):
    result = run("import sys\ndef main():\n    print('ü🦊\\ud800')\n    print('é', file=sys.stderr)")
    assert result.stdout == "ü🦊\\ud800\n" and result.stderr == "é\n"


def test_source_beyond_ascii_and_windows_line_ends_work(run):
    assert run("naïve = 'ü'\r\ndef main():\r\n    return naïve + '''a\r\nb'''\r\n").value == "üa\nb"


def test_the_client_module_is_there_and_the_workers_packages_are_not(run):
    assert run("import importlib.util as u\ndef main(): return u.find_spec('wmill') is not None").value is True
    assert run("import importlib.util as u\ndef main(): return u.find_spec('fastapi') is None").value is True


def test_a_result_file_that_the_script_spoils_is_refused(run):
    code = "import atexit\ndef main():\n    atexit.register(lambda: open('result.json', 'w').write('{broken'))"
    assert run(code).error["name"] == "ResultRefused"


def test_the_prepared_files_hold_data_only(run, tools):
    job = json.loads((run("def main(): pass").folder / "job.json").read_text())
    assert job["entrypoint"] == "main" and job["file"] == "script.py" and job["sites"] == []


LIBRARIES = """
#requirements:
#pydantic
#numpy
#pandas

import base64
import numpy as np
import pandas as pd
from pydantic import BaseModel

class Order(BaseModel):
    id: int
    lines: list[str] = []

def main(order: Order):
    days = pd.to_datetime(["2026-01-02", None])
    frame = pd.DataFrame({"when": days, "n": [1.5, float("nan")], "t": ["a", None]})
    return {
        "model": order, "doubled": order.id * 2, "frame": frame, "series": frame["n"],
        "describe": frame["n"].describe().to_dict(),
        "records": frame.to_dict(orient="records"),
        "numpy": [np.int64(1), np.float32(0.5), np.bool_(True), np.nan],
        "array": np.array([[1, 2], [3, 4]]), "na": pd.NA, "index": frame.columns, "key": {np.int64(3): 1},
    }
"""


def test_results_of_the_usual_libraries_are_written_as_json(run, tools):
    lock = resolve(language, LIBRARIES, tools)
    assert lock.error == ""
    install(language, lock.lock, tools)
    value = run(LIBRARIES, {"order": {"id": "7", "lines": ["a"]}}, lock=lock.lock).value
    rows = [{"when": "2026-01-02T00:00:00", "n": 1.5, "t": "a"}, {"when": None, "n": None, "t": None}]
    assert value["model"] == {"id": 7, "lines": ["a"]} and value["doubled"] == 14
    assert value["frame"] == value["records"] == rows
    assert value["series"] == {"0": 1.5, "1": None}
    assert value["describe"]["count"] == 1.0 and value["describe"]["std"] is None
    assert value["numpy"] == [1, 0.5, True, None] and value["array"] == [[1, 2], [3, 4]]
    assert value["na"] is None and value["index"] == ["when", "n", "t"] and value["key"] == {"3": 1}


def test_bytes_come_back_as_they_went_in(run):
    raw = base64.b64encode(bytes(range(256))).decode()
    assert run("def main(raw: bytes): return raw", {"raw": raw}).value == raw
