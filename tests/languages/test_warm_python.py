"""Python jobs that run in a fork of a warm interpreter: the same to a script as a process of their own."""

import json
import os
import secrets
import statistics
import tempfile
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

import windlass
from support.run_language import new_folder, run_sandboxed
from windlass.languages.python import language
from windlass.languages.python import lock as language_locks
from windlass.worker.launcher.client import INTERPRETER, LaunchError

SOURCES = str(Path(windlass.__file__).parents[1])

COLD = "# windlass: cold\n"
WAY = "def main(): return b'zygote.py' in open('/proc/self/cmdline', 'rb').read()"


@pytest.fixture
def run(warm, tools):
    """Run a script in the sandbox, with variables of its own."""
    runner, warmth = warm

    def run(code: str, args: dict | None = None, **variables: str):
        return runner.run(run_sandboxed(warmth, language, code, args, tools=tools, variables=variables))

    return run


def test_a_job_is_forked_unless_its_header_asks_for_a_cold_start(run):
    assert run(WAY).value is True
    assert run(COLD + WAY).value is False
    assert run(f"\n# about it\n\n#windlass:cold\n{WAY}").value is False
    assert run(f"import os\n{COLD}{WAY}").value is True


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "OPENSSL_CONF"])
def test_a_variable_that_is_read_when_a_process_starts_gets_a_process_that_starts(run, name):
    assert run(WAY, **{name: ""}).value is False


@pytest.mark.parametrize("name", ["A=B", "A\0"])
def test_an_impossible_environment_is_a_launch_error(run, name):
    with pytest.raises(LaunchError) as caught:
        run(WAY, **{name: "value"})
    assert caught.value.layer == "exec"
    assert run(WAY).value is True


VIEW = """
import atexit, ctypes, gc, locale, os, resource, signal, sys, threading, time, warnings

def stream(one):
    raw = one.buffer.raw
    return [one.name, one.mode, one.encoding, one.errors, one.line_buffering, one.write_through, one.seekable(),
            raw.name, raw.mode, raw.closefd, repr(one), type(one.buffer).__name__]

def main():
    status = dict(line.strip().split(":", 1) for line in open("/proc/self/status"))
    prctl, own = ctypes.CDLL(None).prctl, sys.modules["__main__"]
    return {
        "interpreter": [sys.executable, sys.prefix, sys.base_prefix, str(sys.flags), sys._xoptions, sys.path],
        "arguments": [sys.argv, sys.orig_argv, os.getcwd()],
        "environment": [dict(os.environ), time.tzname, [locale.setlocale(kind) for kind in range(6)]],
        "main": {name: repr(value).partition(" at ")[0] for name, value in vars(own).items() if name[0] != "@"},
        "signals": [[number, str(signal.getsignal(number))] for number in sorted(signal.valid_signals())],
        "status": {name: status[name] for name in STATUS},
        "files": sorted(os.listdir("/proc/self/fd"))[:3] + [str(len(os.listdir("/proc/self/fd")))],
        "streams": [stream(sys.stdin), stream(sys.stdout), stream(sys.stderr), sys.stdout is sys.__stdout__],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.get_debug()],
        "limits": [resource.getrlimit(kind) for kind in range(10)] + [sys.getrecursionlimit(), os.nice(0)],
        "threads": [threading.current_thread() is threading.main_thread(), threading.active_count(),
                    threading.main_thread().native_id == threading.get_native_id() == os.getpid()],
        "process": [os.getpid() == os.getpgrp() == os.getsid(0), open("/proc/self/oom_score_adj").read(),
                    os.stat("/proc/self/mem").st_uid == os.getuid(), prctl(3, 0, 0, 0, 0), prctl(7, 0, 0, 0, 0)],
        "left over": [atexit._ncallbacks(), str(warnings.filters), str(sys.exc_info()), sys.dont_write_bytecode],
    }

STATUS = ("SigIgn", "SigCgt", "SigBlk", "CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
          "Seccomp_filters", "Groups", "Threads", "Umask", "Name")
"""


@pytest.mark.parametrize(
    "variables",
    [{}, {"TZ": "Asia/Tokyo", "LC_ALL": "C"}, {"LANG": "", "LC_CTYPE": "POSIX"}, {"LANG": "no_SUCH", "ÜMLAUT": "ü"}],
    ids=["usual", "far away", "no locale", "unknown locale"],
)
def test_a_forked_job_sees_the_world_as_a_cold_one_does(run, variables):
    cold, warm = run(COLD + VIEW, **variables), run(VIEW, **variables)
    expected = json.loads(json.dumps(cold.value).replace(str(cold.folder), str(warm.folder)))
    assert warm.value == expected


def test_nothing_of_ours_can_be_imported_but_what_every_job_has(run):
    code = f"""
import importlib.util, sys
def main():
    names = {{name.partition(".")[0] for name in sys.modules if "windlass" in name}}
    return [sorted(names), importlib.util.find_spec("windlass") is None, {SOURCES!r} in sys.path]
"""
    assert run(code).value == run(COLD + code).value == [["windlass_job"], True, False]


def test_the_warm_process_is_started_with_no_environment_and_so_a_fork_shows_none(run):
    assert run("def main(): return open('/proc/self/environ').read()").value == ""


SEARCH = """
import hashlib
def main(first: str, digest: str):
    found = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps.readlines():
            place, rights = line.split()[:2]
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            begin, end = (int(number, 16) for number in place.split("-"))
            memory.seek(begin)
            for piece in memory.read(end - begin).split(first.encode())[1:]:
                found += hashlib.sha256(piece[:32]).hexdigest() == digest
    return found
"""


def test_a_job_finds_nothing_of_an_earlier_job_in_its_memory(run):
    first, second = secrets.token_hex(16), secrets.token_hex(16)
    digest = sha256(second.encode()).hexdigest()
    search = {"first": first, "digest": digest}
    given = SEARCH.replace("digest: str", "digest: str, secret: str")
    # The search itself works: a job finds what it was given.
    assert run(given, search | {"secret": first + second}, WM_TOKEN=first + second).value > 0
    assert run(SEARCH, search).value == 0


def test_two_jobs_draw_different_random_numbers(run):
    code = """
import os, random, secrets, ssl, tempfile, uuid
def main():
    drawn = [secrets.token_hex(), str(uuid.uuid4()), os.urandom(8).hex(), ssl.RAND_bytes(8).hex()]
    return [random.random(), os.path.basename(tempfile.mktemp()), *drawn]
"""
    once, again = run(code).value, run(code).value
    assert not set(once) & set(again)


END = """
import atexit, ctypes, os, sys, threading, time, weakref
kept = open("kept.txt", "w")
class Closing:
    def __del__(self):
        os.write(1, b"finalized\\n")
closing = Closing()
def later():
    time.sleep(0.2)
    print("thread")
def main():
    atexit.register(print, "atexit 1")
    atexit.register(print, "atexit 2")
    kept.write("written")
    ctypes.CDLL(None).printf(b"from C\\n")
    threading.Thread(target=later).start()
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    sys.stdout.reconfigure(line_buffering=False)
    print("main")
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    return "done"
"""


def test_a_forked_job_ends_as_an_interpreter_does(run):
    cold, warm = run(COLD + END), run(END)
    for job in (cold, warm):
        assert job.value == "done" and job.stderr == ""
        assert (job.folder / "kept.txt").read_text() == "written"
        assert sorted(job.stdout.split("\n")) == sorted(cold.stdout.split("\n"))
    ours = [line for line in warm.stdout.splitlines() if line not in ("from C", "finalized")]
    assert ours == ["main", "thread", "atexit 2", "atexit 1"]
    assert {"from C", "finalized"} <= set(warm.stdout.splitlines())


def test_native_code_that_a_job_loads_ends_in_its_own_way(run):
    # `on_exit` stands for what a library registers: perror(3), called with the exit code 0 for no text, says "Success".
    code = """
import _lsprof, ctypes
libc = ctypes.CDLL(None)
libc.strdup.restype = ctypes.c_void_p
def main():
    register = libc.on_exit
    register.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    register(ctypes.cast(libc.perror, ctypes.c_void_p), None)
"""
    cold, warm = run(COLD + code), run(code)
    assert warm.value is None and "Success" in warm.stderr and "Success" in cold.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import sys\ndef main():\n    sys.exit(3)",
        "import sys\ndef main():\n    sys.exit(130)",
        "import os\ndef main():\n    os._exit(7)",
        "import os\ndef main():\n    os.abort()",
        "import os\ndef main():\n    os.kill(os.getpid(), 15)",
        "def main():\n    raise KeyboardInterrupt",
        "import sys\ndef main():\n    sys.stdout.close()\n    return 1",
        "import os\ndef main():\n    os.close(1)\n    return 1",
        "import sys\nclass Own:\n    write = flush = lambda *_: 0\ndef main():\n    sys.stdout = Own()\n    return 1",
        "import sys\nclass Own:\n    write = print\ndef main():\n    sys.stdout = Own()\n    return 1",
        "import sys\nclass Own:\n    write, flush = len, exec\ndef main():\n    sys.stdout = Own()\n    return 1",
        "import sys\nclass Own:\n    __getattr__ = exec\ndef main():\n    sys.modules['own'] = Own()\n    return 1",
        "import sys\ndef main():\n    sys.stdout = sys.stderr = None\n    return 1",
        "import atexit\ndef main():\n    atexit.register(lambda: 1 / 0)\n    return 1",
        "import atexit, sys\ndef main():\n    atexit.register(sys.exit, 5)\n    return 1",
        "import threading\ndef main():\n    threading.Thread(target=lambda: 1 / 0).start()\n    return 1",
        "import resource\ndef main():\n    open('big', 'wb').truncate(2**41)",
        "import ctypes\ndef main():\n    ctypes.string_at(0)",
        "def main():\n    return main() + 1",
        "import os, sys\ndef main():\n    print(os.fork() > 0 and os.wait()[1])",
    ],
)
def test_every_end_is_told_as_that_of_a_cold_job(run, code):
    cold, warm = run(COLD + code), run(code)
    assert (warm.exit_code, warm.outcome.success) == (cold.exit_code, cold.outcome.success)
    assert warm.stdout == cold.stdout
    assert warm.stderr.splitlines()[-1:] == cold.stderr.splitlines()[-1:]
    if not cold.outcome.success:
        told, expected = warm.error, cold.error
        assert (told["name"], told["message"]) == (expected["name"], expected["message"])


EVERYDAY = """
import asyncio, concurrent.futures, dataclasses, logging, pickle, queue, signal, socket, subprocess, sys, tempfile
import threading, time

@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int = 0

def moved(point: Point) -> Point:
    return dataclasses.replace(point, x=point.x + 1)

async def echo() -> bytes:
    child = await asyncio.create_subprocess_exec("echo", "asyncio", stdout=subprocess.PIPE)
    done = await asyncio.gather(child.communicate(), asyncio.to_thread(time.sleep, 0), asyncio.sleep(0))
    return done[0][0]

def main():
    heard = queue.Queue()
    signal.signal(signal.SIGALRM, lambda *_: heard.put("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    assert heard.get(timeout=5) == "alarm"
    assert asyncio.run(echo()) == b"asyncio\\n"
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(moved, [Point(1), Point(2)])) == [Point(2), Point(3)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
    assert pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)
    assert subprocess.run(["sh", "-c", "echo sub | cat"], capture_output=True, check=True).stdout == b"sub\\n"
    assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\\n"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"tcp")
        assert server.accept()[0].recv(3) == b"tcp"
    with tempfile.NamedTemporaryFile() as file:
        assert file.name.startswith(tempfile.gettempdir())
    logging.warning("logged")
    return "all well"
"""


def test_what_scripts_do_every_day_works_in_a_fork(run):
    done = run(EVERYDAY)
    assert done.value == "all well"
    assert "WARNING:root:logged" in done.stderr


def test_a_fork_saves_the_start_of_an_interpreter_and_the_warm_process_is_small(run, warm, capsys):
    cold, forked = [], []
    for _ in range(20):
        for times, header in ((cold, COLD), (forked, "")):
            began = time.perf_counter()
            assert run(header + "def main(n: int): return n + 1", {"n": 1}).value == 2
            times.append((time.perf_counter() - began) * 1000)
    memory = max(process.memory_bytes / 1024**2 for process in warm[1].processes.values())
    p50_cold, p50_forked = statistics.median(cold), statistics.median(forked)
    with capsys.disabled():
        print(f"\njob p50: cold {p50_cold:.1f} ms, forked {p50_forked:.1f} ms; warm process {memory:.1f} MB")
    assert p50_forked < p50_cold
    assert 0 < memory < 30


MODULES = {
    "harmless.py": "from harmless_part import VALUE",
    "harmless_part.py": "VALUE = 7",
    "fails.py": "import sys\nif 'zygote.py' in sys.orig_argv[5] and 'job.json' not in sys.orig_argv[-1]: raise OSError",
    "threads.py": "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    "opens.py": "file = open('/dev/null')",
    "forks.py": "import os\nif os.fork() == 0:\n    os._exit(0)",
}
LOADED = """
import sys
ahead = sorted({"harmless", "harmless_part", "fails", "threads", "opens", "forks", "json"} & set(sys.modules))
def main():
    import harmless, fails, threads, opens, forks, json
    return ahead
"""


def test_what_jobs_import_from_packages_is_loaded_ahead_where_that_is_harmless(warm, tools):
    runner, warmth = warm
    lock = "# py: 3.11\nharmless==1.0\n"
    tools = replace(tools, python=Path(INTERPRETER[0]))
    [site] = language_locks.site_folders(lock, tools)
    site.mkdir(parents=True)
    for name, content in MODULES.items():
        (site / name).write_text(content)
    for folder in (site, *site.parents[:2]):
        folder.chmod(0o755)
    first, learned = runner.run(learn(warmth, lock, tools, ()))
    assert first == ["json"]
    assert set(learned) == {name.removesuffix(".py") for name in MODULES}
    again, learned = runner.run(learn(warmth, lock, tools, learned))
    assert again == ["harmless", "harmless_part", "json"]
    assert set(learned) == {"fails", "threads", "opens", "forks"}


async def learn(warmth, lock: str, tools, names: tuple[str, ...]) -> tuple[object, tuple[str, ...]]:
    """The result of a job in a process that was started with these names, and the names that it reports."""
    known = language.warm(LOADED, lock, tools)
    assert known is not None
    ahead = replace(known, key=f"{known.key} {names}", argv=(*known.argv, *names))
    process = await warmth.process_for(ahead, new_folder(tools).parent)
    folder = Path(tempfile.mkdtemp(dir=process.folder))
    command = language.prepare(folder, LOADED, lock, b"{}", "main", None, tools)
    running = await process.run(replace(command, env={"PATH": os.defpath}))
    ended = await running.wait()
    errors = (await running.stderr.read()).decode()
    outcome = language.read_result(folder, b"", ended.code or 0)
    assert outcome.success, errors or outcome.result
    return json.loads(outcome.result), ended.learned
