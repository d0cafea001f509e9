"""What a job in a fork of a warm process can do to that process, to its supervisor and to other jobs."""

import asyncio
import json
import os
import shutil
import signal
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from support.run_language import toolchain
from windlass import tiers
from windlass.languages.base import Command, Warm, WarmMode
from windlass.languages.python import ZYGOTE, language
from windlass.worker.launcher import inside, landlock, probe
from windlass.worker.launcher.client import INTERPRETER, Exit, Launcher, LaunchError, Limits, Running, WarmProcess

WARM_SLOTS = [32, 64]


class Bench:
    """One warm process, and jobs in it one after the other."""

    def __init__(self, process: WarmProcess, tools):
        self.process = process
        self.tools = tools
        self.count = 0

    def command(self, code: str, **args: object) -> Command:
        self.count += 1
        folder = self.process.folder / f"job-{self.count}"
        folder.mkdir(0o700)
        prepared = language.prepare(folder, code, "", json.dumps(args).encode(), "main", None, self.tools)
        return replace(prepared, env={"PATH": os.defpath, "HOME": str(folder)})

    async def run(self, code: str, **args: object):
        """The result of a job that must succeed."""
        command = self.command(code, **args)
        running = await self.process.run(command)
        ended = await running.wait()
        errors = (await running.stderr.read()).decode()
        outcome = language.read_result(command.cwd, b"", ended.code or 0)
        assert ended.code == 0 and outcome.success, errors or ended
        return json.loads(outcome.result)

    async def start(self, code: str, **args: object) -> Running:
        return await self.process.run(self.command(code, **args))


@pytest.fixture
def jobs():
    folder = Path(tempfile.mkdtemp(prefix="windlass-warm-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=tiers.attainable())
async def launcher(request):
    launcher = Launcher(ladder=(request.param,))
    await launcher.start()
    yield launcher
    await launcher.stop()


@pytest.fixture(params=WARM_SLOTS, ids=["own uid", "uid of the worker"])
async def bench(request, launcher, jobs):
    tools = replace(toolchain(jobs), python=Path(INTERPRETER[0]))
    warm = language.warm("", "", tools)
    assert warm is not None
    process = await started(launcher, warm, jobs, slot=request.param)
    yield Bench(process, tools)
    process.end()


async def started(launcher: Launcher, warm: Warm, jobs: Path, *, slot: int = 32, limits: Limits | None = None):
    folder = jobs / "warm"
    folder.mkdir(0o700)
    process = await launcher.warm(warm, folder=folder, limits=limits or Limits(processes=200), slot=slot)
    assert isinstance(process, WarmProcess)
    await process.until_ready()
    return process


@pytest.mark.parametrize("slot", WARM_SLOTS, ids=["own uid", "uid of the worker"])
async def test_every_probe_of_the_sandbox_is_closed_in_a_fork_as_well(launcher, jobs, slot):
    settings = json.dumps({"path": [], "resident": False})
    warm = Warm(mode=WarmMode.FORK, key="", argv=(*INTERPRETER, str(ZYGOTE), inside.__file__, settings),
                readable=(ZYGOTE.parent, Path(inside.__file__)))  # fmt: skip
    process = await started(launcher, warm, jobs, slot=slot)
    folder = process.folder / "job"
    folder.mkdir(0o700)
    with probe._target(jobs, is_apart=launcher.ladder[0] in tiers.NAMESPACED) as target:
        words = json.dumps(asdict(target))
        running = await process.run(Command(argv=(*INTERPRETER, inside.__file__, words), env={}, cwd=folder))
        await running.wait()
    results = json.loads(await running.stdout.read())
    assert len(results) >= 50 and [name for name, gets_through in results.items() if gets_through] == []


ATTACKS = """
import ctypes, os, resource, signal

def read(name): open(f"/proc/{VICTIM}/{name}", "rb").read(1)
def memory(): os.close(os.open(f"/proc/{VICTIM}/mem", os.O_RDWR))
def files(): [os.readlink(f"/proc/{VICTIM}/fd/{name}") for name in os.listdir(f"/proc/{VICTIM}/fd")]
def reopen(): os.close(os.open(f"/proc/{VICTIM}/fd/3", os.O_RDWR))
def trace():
    if ctypes.CDLL(None, use_errno=True).ptrace(16, VICTIM, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
def score():
    with open(f"/proc/{VICTIM}/oom_score_adj", "w") as file:
        file.write("1000")

def main(victim: str):
    global VICTIM
    VICTIM = os.getppid()
    if victim == "supervisor":
        place = f"/proc/{VICTIM}/status"
        status = dict(line.split(":", 1) for line in open(place)) if os.path.exists(place) else {"PPid": 1}
        VICTIM = int(status["PPid"])
    attempts = {"environ": lambda: read("environ"), "maps": lambda: read("maps"), "memory": memory, "files": files,
                "reopen": reopen, "trace": trace, "score": score, "root": lambda: os.listdir(f"/proc/{VICTIM}/root/"),
                "limit": lambda: resource.prlimit(VICTIM, resource.RLIMIT_CPU, (1, 1))}
    if SCOPES:
        attempts |= {"signal": lambda: os.kill(VICTIM, 0), "stop": lambda: os.kill(VICTIM, signal.SIGSTOP)}
    through = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        through.append(name)
    return through
"""


@pytest.mark.parametrize("victim", ["warm process", "supervisor"])
async def test_a_job_cannot_reach_what_it_was_forked_from(bench, victim):
    has_scopes = landlock.abi() >= landlock.SCOPES_SINCE_ABI
    assert await bench.run(f"SCOPES = {has_scopes}\n{ATTACKS}", victim=victim) == []
    assert bench.process.is_alive


BASE = """
import os
def main(names: list):
    base, open_ones = os.path.dirname(os.getcwd()), []
    for name in names:
        for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT):
            try:
                os.close(os.open(os.path.join(base, name), flags))
            except OSError:
                continue
            open_ones.append(name)
    try:
        open_ones += os.listdir(base)
    except OSError:
        pass
    return open_ones
"""


async def test_a_job_sees_no_folder_of_another_job_of_its_warm_process(bench):
    await bench.run("def main():\n    open('secret', 'w').write('x')\n    import os; os.chmod('.', 0o777)")
    assert (bench.process.folder / "job-1/secret").exists()
    names = ["job-1/secret", "job-1/new", "new", "../new"]
    assert await bench.run(BASE, names=names) == []


async def test_a_daemon_of_one_job_is_gone_before_the_next(bench):
    code = """
import os, time
def main():
    ready, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(told, str(os.getpid()).encode())
            time.sleep(1000)
        os._exit(0)
    os.wait()
    return int(os.read(ready, 20))
"""
    daemon = await bench.run(code)
    assert await bench.run("import os\ndef main(pid): return os.path.exists(f'/proc/{pid}')", pid=daemon) is False


async def test_a_job_that_changes_the_warm_process_costs_it_its_place(bench):
    code = "import os\ndef main(): os.sched_setaffinity(os.getppid(), {min(os.sched_getaffinity(0))})"
    if os.cpu_count() == 1:
        code = "import os\ndef main(): os.setpriority(os.PRIO_PROCESS, os.getppid(), 5)"
    running = await bench.start(code)
    assert (await running.wait()).is_clean is False
    await lost(bench.process)


async def test_a_process_that_cannot_be_swept_takes_the_warm_process_with_it(bench):
    # A child of the warm process, and not of the job: nobody collects it.
    code = """
import ctypes, os
CLONE_PARENT, SIGCHLD = 0x8000, 17
def main():
    call = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    if ctypes.CDLL(None).syscall(ctypes.c_long(call), ctypes.c_long(CLONE_PARENT | SIGCHLD), 0, 0, 0, 0) == 0:
        os._exit(0)
"""
    running = await bench.start(code)
    ended = await running.wait()
    assert (ended.code, ended.is_clean) == (0, False)
    await lost(bench.process)


async def lost(process: WarmProcess) -> None:
    with pytest.raises(LaunchError):
        await process.until_ready()
    assert not process.is_alive


async def test_a_job_that_comes_to_a_process_that_has_just_gone_did_not_begin(bench):
    command = bench.command("def main(): open('ran', 'w')")
    os.kill(bench.process.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while is_running(bench.process.pid):
            await asyncio.sleep(0)
    with pytest.raises(LaunchError):
        await (await bench.process.run(command)).wait()
    assert not (command.cwd / "ran").exists()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_killing_a_job_leaves_the_warm_process(bench):
    running = await bench.start("import time\ndef main():\n    print('up', flush=True)\n    time.sleep(1000)")
    assert await running.stdout.readline() == b"up\n"
    running.kill()
    ended = await running.wait()
    assert (ended.signal, ended.killed_by, ended.is_clean) == (signal.SIGKILL, "request", True)
    assert await bench.run("def main(): return 1") == 1


async def test_a_job_that_is_killed_at_once_ends(bench):
    command = bench.command("import time\ndef main():\n    open('ran', 'w')\n    time.sleep(1000)")
    for _ in range(10):
        running = await bench.process.run(command)
        running.kill()
        ended = await running.wait()
        assert ended.killed_by == "request"
        if not ended.is_clean:
            break
    else:
        assert await bench.run("def main(): return 1") == 1


async def test_a_job_may_end_politely(bench):
    code = """
import signal, sys, time
def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    print("up", flush=True)
    time.sleep(1000)
"""
    running = await bench.start(code)
    await running.stdout.readline()
    assert (await running.terminate(20)).code == 7
    assert await bench.run("def main(): return 1") == 1


async def test_limits_are_those_of_the_job_and_the_warm_process_lives_on(launcher, jobs):
    tools = replace(toolchain(jobs), python=Path(INTERPRETER[0]))
    warm = language.warm("", "", tools)
    limits = Limits(memory_bytes=100 << 20, processes=20)
    process = await started(launcher, warm, jobs, limits=limits)
    bench = Bench(process, tools)
    greedy = await (
        await bench.start("import time\ndef main():\n    x = b'x' * (200 << 20)\n    time.sleep(60)")
    ).wait()
    assert greedy.killed_by == "memory"
    assert await bench.run("def main(): return 1") == 1


FORK_BOMB = """
import os
def main():
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""


async def test_a_fork_bomb_ends_and_leaves_a_clean_process_or_none(launcher, jobs):
    tools = replace(toolchain(jobs), python=Path(INTERPRETER[0]))
    warm = language.warm("", "", tools)
    process = await started(launcher, warm, jobs, limits=Limits(processes=50))
    bench = Bench(process, tools)
    ended: Exit = await (await bench.start(FORK_BOMB)).wait()
    assert ended.killed_by == "processes"
    if ended.is_clean:
        assert await bench.run("def main(): return 1") == 1
    else:
        await lost(process)


async def test_what_a_job_leaves_in_shared_memory_is_gone_where_it_has_a_place_or_a_uid_of_its_own(bench, launcher):
    await bench.run("def main():\n    open('/dev/shm/windlass-left', 'w').close()")
    look = "import os\ndef main():\n    try:\n        os.unlink('/dev/shm/windlass-left')\n"
    is_left = await bench.run(look + "    except FileNotFoundError:\n        return False\n    return True")
    shares_all = bench.process.identity.uid is None and launcher.ladder[0] not in tiers.NAMESPACED
    assert is_left == shares_all
