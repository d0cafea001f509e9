"""The sandbox launcher with real jobs: what they get, how they end, and that nothing of them stays."""

import asyncio
import errno
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from windlass import tiers
from windlass.languages.base import Command, Network
from windlass.worker.launcher.client import Exit, KilledBy, Launcher, LaunchError, Limits, Running
from windlass.worker.launcher.identity import is_readable_by_anybody

PATH = "/usr/bin:/bin"
SOURCE = Path(__file__).parents[2]
NO_OWN_UID = 64
LADDER = tiers.attainable((tiers.ROOT, tiers.USER, tiers.POLICY))
NAMESPACED = [tier for tier in LADDER if tier in tiers.NAMESPACED]
MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Job:
    """Runs commands in one job folder and slot."""

    launcher: Launcher
    folder: Path
    slot: int

    async def start(
        self,
        *argv: str,
        env: dict[str, str] | None = None,
        stdin: bytes = b"",
        limits: Limits | None = None,
        network: Network = Network.OPEN,
        readable: tuple[Path, ...] = (),
        writable: tuple[Path, ...] = (),
    ) -> Running:
        command = Command(
            argv=argv,
            env={"PATH": PATH} if env is None else env,
            cwd=self.folder,
            network=network,
            readable=readable,
            writable=writable,
        )
        return await self.launcher.launch(command, limits=limits or Limits(), slot=self.slot, stdin=stdin)

    async def run(self, *argv: str, **options) -> tuple[bytes, bytes, Exit]:
        running = await self.start(*argv, **options)
        return await finish(running)

    async def python(self, code: str, *arguments: str, **options) -> tuple[bytes, bytes, Exit]:
        return await self.run(sys.executable, "-c", code, *arguments, **options)


async def finish(running: Running) -> tuple[bytes, bytes, Exit]:
    async with asyncio.timeout(30):
        return await asyncio.gather(running.stdout.read(), running.stderr.read(), running.wait())


async def until(condition: Callable[[], bool], *, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """False for a zombie too: when pid 1 gets round to collecting it is not ours to test."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def unique(word: str) -> str:
    return f"{word}-{uuid4().hex}"


def living(token: str) -> list[int]:
    """Processes that carry `token` in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if token.encode() in arguments:
            found.append(int(process.name))
    return found


def parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


@pytest.fixture(params=LADDER)
async def launcher(request):
    launcher = Launcher(ladder=(request.param,))
    await launcher.start()
    yield launcher
    await launcher.stop()


@pytest.fixture
def jobs():
    """A folder that any uid may pass through, as a worker's jobs folder is."""
    folder = Path(tempfile.mkdtemp(prefix="windlass-jobs-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=[0, NO_OWN_UID], ids=["own uid", "uid of the worker"])
def job(request, launcher, jobs):
    folder = jobs / "job"
    folder.mkdir(mode=0o700)
    return Job(launcher=launcher, folder=folder, slot=request.param)


async def test_both_outputs_arrive_whole(job):
    output, errors, ended = await job.run("sh", "-c", "seq 100000; seq 50000 >&2")
    assert output.split() == [str(number).encode() for number in range(1, 100001)]
    assert errors.split()[-1] == b"50000"
    assert ended.code == 0 and ended.signal is None and ended.killed_by is None


@pytest.mark.parametrize("code", [0, 1, 3, 126, 255])
async def test_the_exit_code_is_the_jobs_own(job, code):
    assert (await job.run("sh", "-c", f"exit {code}"))[2].code == code


async def test_a_signal_is_told_from_an_exit_code(job):
    ended = (await job.run("sh", "-c", "kill -SEGV $$"))[2]
    assert (ended.code, ended.signal) == (None, signal.SIGSEGV)


async def test_the_environment_is_exactly_the_one_given(job):
    os.environ["WINDLASS_TEST_SECRET"] = "inherited"
    try:
        output, _, _ = await job.run("/usr/bin/env", env={"ONLY": "this", "UMLAUT": "ü"})
    finally:
        del os.environ["WINDLASS_TEST_SECRET"]
    assert sorted(output.decode().splitlines()) == ["ONLY=this", "UMLAUT=ü"]


async def test_standard_input_larger_than_a_pipe_arrives_whole(job):
    sent = os.urandom(2 * MEGABYTE)
    assert (await job.run("cat", stdin=sent))[0] == sent


async def test_a_job_without_input_reads_its_end(job):
    assert (await job.run("cat"))[0] == b""


async def test_output_can_be_opened_by_name(job):
    output, errors, _ = await job.run("sh", "-c", "echo one > /dev/stdout; echo two > /dev/stderr")
    assert (output, errors) == (b"one\n", b"two\n")


async def test_python_ignores_no_signal_on_the_jobs_behalf(job):
    output, _, _ = await job.run("sh", "-c", "grep -E 'SigIgn|SigBlk' /proc/self/status")
    assert [int(mask, 16) for mask in output.split()[1::2]] == [0, 0]


async def test_the_job_owns_its_folder_and_what_the_worker_put_there(job):
    (job.folder / "sub").mkdir()
    (job.folder / "sub" / "input").write_text("before")
    _, errors, ended = await job.run("sh", "-c", "echo after >> sub/input && mkdir made && echo x > made/x")
    assert ended.code == 0, errors
    assert (job.folder / "sub" / "input").read_text() == "beforeafter\n"
    assert (job.folder / "made" / "x").read_text() == "x\n"


async def test_a_missing_program_is_a_launch_error(job):
    with pytest.raises(LaunchError) as caught:
        await job.start("no-such-program")
    assert (caught.value.layer, caught.value.errno) == ("exec", errno.ENOENT)


async def test_a_missing_readable_path_is_a_launch_error_that_names_it(job):
    with pytest.raises(LaunchError, match="/no/such/path") as caught:
        await job.start("true", readable=(Path("/no/such/path"),))
    assert (caught.value.layer, caught.value.errno) == ("landlock", errno.ENOENT)


async def test_a_missing_folder_is_a_launch_error(job):
    job.folder.rmdir()
    with pytest.raises(LaunchError) as caught:
        await job.start("true")
    assert (caught.value.layer, caught.value.errno) == ("folder", errno.ENOENT)


async def test_the_server_survives_bad_requests(job):
    with pytest.raises(LaunchError):
        await job.start("echo", "a\0b")
    with pytest.raises(LaunchError):
        await job.start("echo", "text", env={"A=B\0": "c"})
    server = job.launcher._server.pid
    job.launcher._channel.send(b"no files at all")
    job.launcher._channel.send(b"x" * 5000)
    ours, theirs = socket.socketpair()
    with ours, theirs, open(os.devnull) as nothing:
        socket.send_fds(job.launcher._channel, [b"launch"], [theirs.fileno(), *[nothing.fileno()] * 3])
        ours.sendall(b"this is not JSON\n")
        answer = await asyncio.to_thread(ours.recv, 4096)
    assert b'"layer": "request"' in answer
    assert (await job.run("echo", "still here"))[0] == b"still here\n"
    assert job.launcher._server.pid == server


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon", "w").write(str(os.getpid()))
        time.sleep(1000)
    os._exit(0)
os.wait()
while not os.path.exists("daemon") or not open("daemon").read():
    time.sleep(0.001)
print(open("daemon").read(), flush=True)
if sys.argv[1] == "stay":
    time.sleep(1000)
"""


async def test_a_daemon_does_not_outlive_its_job(job):
    token = unique("daemon")
    output, _, ended = await job.python(DAEMON, "go", token)
    assert output and ended.code == 0 and ended.killed_by is None
    assert living(token) == []


async def test_kill_ends_a_tree_that_ignores_signals_within_two_seconds(job):
    token = f"tree-{os.getpid()}-{job.slot}"
    child = f"sh -c 'trap \"\" TERM; sleep 1000; : {token}' &"
    script = f"trap '' TERM; for i in 1 2 3; do {child} done; echo up; wait"
    running = await job.start("bash", "-c", script)
    assert await running.stdout.readline() == b"up\n"
    await until(lambda: len(living(token)) >= 4)
    began = time.monotonic()
    ended = await running.terminate(0.2)
    assert time.monotonic() - began < 2
    assert ended.signal == signal.SIGKILL and ended.killed_by is KilledBy.REQUEST
    assert living(token) == []


async def test_a_job_may_end_by_itself_within_the_grace(job):
    running = await job.start("bash", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done")
    assert await running.stdout.readline() == b"up\n"
    ended = await running.terminate(20)
    assert (ended.code, ended.killed_by) == (7, KilledBy.REQUEST)
    assert await running.stdout.read() == b"bye\n"


async def test_a_kill_cuts_a_grace_short_and_is_harmless_later(job):
    running = await job.start("bash", "-c", "trap '' TERM; echo up; while :; do sleep 0.01; done")
    assert await running.stdout.readline() == b"up\n"
    waiting = asyncio.ensure_future(running.terminate(1000))
    await asyncio.sleep(0)
    running.kill()
    assert (await asyncio.wait_for(waiting, 5)).signal == signal.SIGKILL
    running.kill()


WORKER = """
import asyncio, sys
from pathlib import Path
from windlass.languages.base import Command
from windlass.worker.launcher.client import Launcher, Limits

async def main(folder, slot, daemon, tier, token):
    launcher = Launcher(ladder=(tier,))
    command = Command(argv=(sys.executable, "-c", daemon, "stay", token), env={}, cwd=Path(folder))
    running = await launcher.launch(command, limits=Limits(), slot=int(slot))
    await running.stdout.readline()
    print(launcher._server.pid, flush=True)
    await running.wait()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_the_death_of_the_worker_ends_its_jobs_and_its_server(job):
    token = unique("orphan")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(job.folder), str(job.slot), DAEMON, job.launcher.ladder[0], token,
        env={"PYTHONPATH": str(SOURCE / "src")}, stdout=subprocess.PIPE,
    )  # fmt: skip
    server = int(await worker.stdout.readline())
    assert is_alive(server) and len(living(token)) == 3  # the worker, its job and the daemon of that
    worker.kill()
    await until(lambda: not is_alive(server) and living(token) == [], seconds=2)
    await worker.wait()


async def test_the_death_of_the_server_ends_its_jobs_and_the_next_launch_starts_another(job):
    token = unique("daemon")
    running = await job.start(sys.executable, "-c", DAEMON, "stay", token)
    await running.stdout.readline()
    os.kill(job.launcher._server.pid, signal.SIGKILL)
    ended = await asyncio.wait_for(running.wait(), 5)
    assert ended.killed_by is KilledBy.LAUNCHER_LOST
    await until(lambda: living(token) == [], seconds=2)
    assert (await job.run("echo", "again"))[0] == b"again\n"


async def test_the_death_of_a_supervisor_ends_only_its_job(job):
    server = job.launcher._server.pid
    token = unique("daemon")
    running = await job.start(sys.executable, "-c", DAEMON, "stay", token)
    await running.stdout.readline()
    os.kill(parent_of(running.pid), signal.SIGKILL)
    assert (await asyncio.wait_for(running.wait(), 5)).killed_by is KilledBy.LAUNCHER_LOST
    await until(lambda: living(token) == [])
    assert (await job.run("echo", "again"))[0] == b"again\n"
    assert job.launcher._server.pid == server


async def test_stop_ends_running_jobs(job):
    token = unique("daemon")
    running = await job.start(sys.executable, "-c", DAEMON, "stay", token)
    await running.stdout.readline()
    await job.launcher.stop()
    assert (await running.wait()).killed_by is KilledBy.LAUNCHER_LOST
    assert living(token) == []


BOMB = """
import os, sys, time
for _ in range(3000):
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except BlockingIOError:
        time.sleep(0.001)
print("all forked", flush=True)
time.sleep(1000)
"""
# Bounded by itself to 2,048 processes: a launcher that fails here must not take the machine along.
EXPONENTIAL_BOMB = """
import os, time
for _ in range(11):
    try:
        os.fork()
    except BlockingIOError:
        time.sleep(0.001)
time.sleep(1000)
"""
SCATTERING_BOMB = EXPONENTIAL_BOMB.replace("os.fork()", "os.fork() or os.setsid()")


@pytest.mark.parametrize("bomb", [BOMB, EXPONENTIAL_BOMB, SCATTERING_BOMB], ids=["flat", "exponential", "new sessions"])
async def test_a_fork_bomb_stays_within_its_limit_and_leaves_nothing(job, bomb):
    token = f"bomb-{os.getpid()}-{job.slot}"
    running = await job.start(sys.executable, "-c", bomb, token, limits=Limits(processes=100))
    ended = await asyncio.wait_for(running.wait(), 10)
    assert ended.killed_by is KilledBy.PROCESSES
    assert living(token) == []
    assert (await job.run("echo", "fine"))[0] == b"fine\n"


async def test_a_memory_bomb_is_killed_and_nobody_else(job):
    limit = 100 * MEGABYTE
    code = f"import time; block = b'x' * {2 * limit}; time.sleep(1000)"
    ended = (await job.python(code, limits=Limits(memory_bytes=limit)))[2]
    assert ended.killed_by is KilledBy.MEMORY
    assert ended.max_rss_bytes > limit * 0.8  # the kernel may be quicker than our look
    assert (await job.run("echo", "fine"))[0] == b"fine\n"


async def test_memory_shared_by_forks_is_counted_once(job):
    code = """
import os, time
block = b'x' * (60 << 20)
children = [os.fork() for _ in range(2)]
time.sleep(1)
"""
    ended = (await job.python(code, limits=Limits(memory_bytes=150 * MEGABYTE)))[2]
    assert (ended.code, ended.killed_by) == (0, None)


async def test_memory_of_children_counts(job):
    code = """
import os, time
if os.fork() == 0:
    block = b'x' * (100 << 20)
    time.sleep(1000)
time.sleep(1000)
"""
    ended = (await job.python(code, limits=Limits(memory_bytes=60 * MEGABYTE)))[2]
    assert ended.killed_by is KilledBy.MEMORY


async def test_a_memory_bomb_in_a_child_ends_the_whole_job(job):
    script = "python3 -c 'import time; b = b\"x\" * (400 << 20); time.sleep(1000)' & wait; sleep 1000"
    ended = (await job.run("bash", "-c", script, limits=Limits(memory_bytes=100 * MEGABYTE)))[2]
    assert ended.killed_by is KilledBy.MEMORY


FILL = """
import sys, time
with open(sys.argv[1], "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))
        file.flush()
        time.sleep(0.001)
"""


async def test_a_job_that_fills_its_folder_is_ended_at_its_limit(job):
    ended = (await job.python(FILL, "full", limits=Limits(disk_bytes=50 * MEGABYTE)))[2]
    assert ended.killed_by is KilledBy.DISK
    assert (job.folder / "full").stat().st_size < 1000 * MEGABYTE


@pytest.mark.parametrize("launcher", NAMESPACED, indirect=True)
@pytest.mark.parametrize("place", ["/tmp/full", "/dev/shm/full"])
async def test_what_a_job_keeps_in_its_private_folders_counts_as_disk(job, place):
    ended = (await job.python(FILL, place, limits=Limits(disk_bytes=50 * MEGABYTE)))[2]
    assert ended.killed_by is KilledBy.DISK
    assert not Path(place).exists()


@pytest.mark.parametrize("launcher", NAMESPACED, indirect=True)
async def test_a_job_has_folders_of_its_own_for_what_is_temporary(job):
    output, errors, _ = await job.run("sh", "-c", "echo x > /tmp/windlass-mine && cat /tmp/windlass-mine; ls /dev/shm")
    assert output == b"x\n", errors
    assert not Path("/tmp/windlass-mine").exists()


@pytest.mark.parametrize("launcher", NAMESPACED, indirect=True)
async def test_a_job_without_network_has_no_network_to_see(job):
    output, _, _ = await job.run("cat", "/proc/net/dev", network=Network.NONE)
    assert [line.split(b":")[0].strip() for line in output.splitlines()[2:]] == [b"lo"]


async def test_processor_time_is_limited(job):
    ended = (await job.run("sh", "-c", "while :; do :; done", limits=Limits(cpu_seconds=1)))[2]
    assert (ended.signal, ended.killed_by) == (signal.SIGXCPU, KilledBy.CPU)
    assert 500 <= ended.user_ms + ended.sys_ms <= 2000


async def test_the_size_of_a_file_is_limited(job):
    ended = (await job.run("dd", "if=/dev/zero", "of=big", "bs=1M", "count=3",
                           limits=Limits(file_size_bytes=2 * MEGABYTE)))[2]  # fmt: skip
    assert ended.signal == signal.SIGXFSZ
    assert (job.folder / "big").stat().st_size == 2 * MEGABYTE


async def test_the_number_of_open_files_is_limited(job):
    output, _, _ = await job.run("sh", "-c", "ulimit -n", limits=Limits(open_files=77))
    assert output == b"77\n"


EVERYDAY = """
import asyncio, concurrent.futures, multiprocessing, socket, subprocess, sys, tempfile, threading

async def main():
    child = await asyncio.create_subprocess_exec("echo", "asyncio", stdout=subprocess.PIPE)
    return (await child.communicate())[0]

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        assert pool.map(abs, [-1, -2, -3]) == [1, 2, 3]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(abs, [-1])) == [1]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(abs, [-5]) == [5]
    queue = multiprocessing.Queue()
    multiprocessing.Process(target=queue.put, args=("queued",)).start()
    assert queue.get(timeout=10) == "queued"
    assert subprocess.run(["sh", "-c", "echo sub | cat"], capture_output=True, check=True).stdout == b"sub\\n"
    assert asyncio.run(main()) == b"asyncio\\n"
    assert socket.getaddrinfo("localhost", 80)
    thread = threading.Thread(target=print, args=("thread",))
    thread.start(); thread.join()
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    client.sendall(b"tcp")
    assert server.accept()[0].recv(3) == b"tcp"
    with tempfile.NamedTemporaryFile() as file:
        assert file.name.startswith(sys.argv[1]), file.name
    print("all well")
"""


async def test_what_scripts_do_every_day_works_inside(job):
    (job.folder / "tmp").mkdir()
    (job.folder / "everyday.py").write_text(EVERYDAY)
    env = {"PATH": PATH, "TMPDIR": str(job.folder / "tmp")}
    output, errors, ended = await job.run(sys.executable, "everyday.py", str(job.folder), env=env)
    assert output.splitlines()[-1:] == [b"all well"], errors.decode()
    assert ended.code == 0


@pytest.mark.skipif(not Path("/usr/bin/node").exists(), reason="no Node on this machine")
async def test_node_can_run_child_processes_inside(job):
    code = "console.log(require('child_process').execSync('echo child').toString().trim())"
    output, errors, ended = await job.run("/usr/bin/node", "-e", code)
    assert (output, ended.code) == (b"child\n", 0), errors.decode()


async def test_no_network_means_no_socket_at_all(job):
    code = """
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.socket(family, kind)
            print("open")
        except PermissionError:
            print("closed")
"""
    output, _, _ = await job.python(code, network=Network.NONE)
    assert output.split() == [b"closed"] * 4
    output, _, _ = await job.python(code, network=Network.OPEN)
    assert output.split()[0] == b"open"


async def test_a_job_reads_what_it_is_given_and_writes_only_where_it_may(job, jobs):
    given, cache = jobs / "given", jobs / "cache"
    for folder in (given, cache):
        folder.mkdir()
        (folder / "file").write_text("content")
    script = f"cat {given}/file; echo x > {given}/file; echo y > {cache}/file"
    output, errors, _ = await job.run("bash", "-c", script, readable=(given,), writable=(cache,))
    assert output == b"content", errors
    assert (given / "file").read_text() == "content"
    assert (cache / "file").read_text() == "y\n"


async def test_a_job_cannot_see_the_folder_of_another(job, jobs):
    other = jobs / "other"
    other.mkdir(mode=0o777)
    (other / "args.json").write_text("secret")
    output, _, _ = await job.run("bash", "-c", f"cat {other}/args.json; ls {other} {jobs}; echo x > {other}/x")
    assert b"secret" not in output and b"args.json" not in output and b"other" not in output
    assert sorted(path.name for path in other.iterdir()) == ["args.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a job its own uid")
async def test_slots_have_uids_of_their_own_and_leave_no_shared_memory(launcher, jobs):
    seen = set()
    for slot in (0, 1):
        folder = jobs / f"slot{slot}"
        folder.mkdir(mode=0o700)
        job = Job(launcher=launcher, folder=folder, slot=slot)
        output, _, _ = await job.run("bash", "-c", "id -u; mkdir -p /dev/shm/w-$$/x; echo 1 > /dev/shm/w-$$/x/y")
        seen.add(int(output))
        assert not list(Path("/dev/shm").glob("w-*"))
    assert len(seen) == 2 and min(seen) >= 60000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a job another uid")
async def test_what_writes_to_a_shared_folder_runs_under_one_uid_that_is_not_root(launcher, jobs):
    cache = jobs / "cache"
    (cache / "old").mkdir(parents=True)
    for slot in (0, 1):
        folder = jobs / f"slot{slot}"
        folder.mkdir(mode=0o700)
        output, errors, _ = await Job(launcher=launcher, folder=folder, slot=slot).run(
            "bash", "-c", f"echo line >> {cache}/old/file; id -u", writable=(cache,)
        )
        assert output == b"63999\n", errors
    assert (cache / "old" / "file").read_text() == "line\n" * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a job its own uid")
async def test_two_workers_never_share_a_uid(launcher, jobs):
    another = Launcher()
    try:
        uids = []
        for each, name in ((launcher, "a"), (another, "b")):
            (jobs / name).mkdir(mode=0o700)
            uids.append((await Job(launcher=each, folder=jobs / name, slot=0).run("id", "-u"))[0])
    finally:
        await another.stop()
    assert uids[0] != uids[1]


async def test_a_job_whose_files_only_root_reaches_still_runs(launcher, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "job").mkdir()
    (hidden / "input").write_text("given")
    (hidden / "input").chmod(0o600)
    (hidden / "secret").write_text("kept")
    running = await Job(launcher=launcher, folder=hidden / "job", slot=0).start(
        "bash",
        "-c",
        f"/usr/bin/test -r {hidden}/input && cat {hidden}/input && echo x > made; cat {hidden}/secret",
        readable=(hidden / "input",),
    )
    output, errors, _ = await finish(running)
    assert output == b"given", errors
    assert (hidden / "job" / "made").exists()
    assert running.identity.uid != 0


async def test_a_later_launch_with_another_uid_owns_what_the_first_one_left(launcher, jobs):
    folder = jobs / "job"
    folder.mkdir(mode=0o700)
    for slot in (0, NO_OWN_UID, 1):
        _, errors, ended = await Job(launcher=launcher, folder=folder, slot=slot).run(
            "sh", "-c", "umask 077; echo line >> file"
        )
        assert ended.code == 0, errors
    assert (folder / "file").read_text() == "line\n" * 3


async def test_many_launches_at_once_all_run_and_leak_no_file(launcher, jobs):
    async def one(slot: int) -> bytes:
        folder = jobs / str(slot)
        folder.mkdir(mode=0o700)
        return (await Job(launcher=launcher, folder=folder, slot=slot).run("echo", str(slot)))[0]

    await one(99)
    await asyncio.sleep(0)
    before = len(os.listdir("/proc/self/fd"))
    assert await asyncio.gather(*map(one, range(50))) == [b"%d\n" % slot for slot in range(50)]
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_a_cancelled_launch_leaves_nothing_running(job):
    token = f"cancelled-{os.getpid()}-{job.slot}"
    for turns in range(12):
        starting = asyncio.ensure_future(job.start(sys.executable, "-c", "import time; time.sleep(1000)", token))
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        try:
            (await starting).kill()
        except asyncio.CancelledError:
            continue
    await job.run("true")
    await until(lambda: living(token) == [])


async def test_failed_launches_leak_no_file(job):
    async def fail() -> None:
        with pytest.raises(LaunchError):
            await job.start("no-such-program")

    await fail()
    await asyncio.sleep(0.05)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        await fail()
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_a_launch_is_quick_and_the_server_small(job, capsys):
    await job.run("/bin/true")
    times = []
    for _ in range(100):
        began = time.perf_counter()
        running = await job.start("/bin/true")
        times.append((time.perf_counter() - began) * 1000)
        await finish(running)
    status = Path(f"/proc/{job.launcher._server.pid}/status").read_text()
    resident = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    with capsys.disabled():
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"\nlaunch p50 {statistics.median(times):.1f} ms, p95 {p95:.1f} ms; server {resident:.1f} MB")
    assert statistics.median(times) < 60
    assert resident < 20


@pytest.mark.skipif(os.geteuid() != 0, reason="already a plain user")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv on this machine")
async def test_all_of_this_holds_for_a_plain_user():
    if not all(map(is_readable_by_anybody, (SOURCE / "src", Path(sys.prefix), Path(sys.base_prefix)))):
        pytest.skip("a plain user cannot read this checkout or this Python")
    tests = [SOURCE / "tests/worker/test_launcher.py", SOURCE / "tests/security/test_launcher_probes.py"]
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    pytest_run = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--noconftest",
        *map(str, tests),
    ]
    nested = await asyncio.create_subprocess_exec(
        *as_nobody, *pytest_run, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": PATH, "PYTHONPATH": str(SOURCE / "src"), "HOME": "/nonexistent"},
    )  # fmt: skip
    output, _ = await nested.communicate()
    assert nested.returncode == 0, output.decode()[-6000:]
