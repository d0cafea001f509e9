"""The warm process of Python jobs: loads what they need, and becomes each of them in a fork; called by `../zygote.py`.

Its supervisor is at the other end of file 3. It says when it is ready. Then a fork waits for the next job, prepared as
far as no job is needed for that: one line of JSON (`argv`, `env`, `cwd`) with the files of its standard streams and a
Landlock ruleset. The fork says that it took the job, and this process how it ended; then an empty line asks for the
next fork. No code of a job runs in this process, unless it is resident, and none can reach it.
"""

import gc
import mmap
import os
import resource
import signal
import sys
from _socket import CMSG_LEN, SCM_RIGHTS, SOL_SOCKET, socket

from . import interpreter, kernel, quick_json, runner

CHANNEL = 3
FILES_PER_JOB = 4
LEARNED_BYTES = 1 << 16
IMPORT_SECONDS = 5
PRACTICE = "def main(x: int = 1):\n    return {'x': x}\n"


def main(wrapper: str, settings: str, *modules: str) -> None:
    """Serve jobs until the supervisor goes; `modules` are what jobs imported from the packages in `settings`."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    given = quick_json.loads(settings.encode())
    from . import stock  # noqa: F401, PLC0415 - not for the processes of `multiprocessing`

    load(modules, given["path"])
    zygote = (Resident if given["resident"] else Zygote)(wrapper, given["path"])
    practise()
    interpreter.open_streams()
    gc.collect()
    gc.freeze()
    zygote.serve()


def load(modules: tuple[str, ...], path: list[str]) -> None:
    """Import what is fit for it; `path` is where packages are, for as long as that takes."""
    sys.path[:0] = path
    for name in modules:
        if name not in sys.modules and is_fit(name):
            __import__(name)
    del sys.path[: len(path)]


def is_fit(name: str) -> bool:
    """Whether importing a module works, ends soon, and leaves no thread, process or open file; tried in a fork."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    signal.alarm(IMPORT_SECONDS)
    status, before = 1, kernel.own_files()
    try:
        __import__(name)
        status = int(len(os.listdir("/proc/self/task")) > 1 or kernel.own_files() != before or has_children())
    finally:
        os._exit(status)


def has_children() -> bool:
    """Whether this process has any child, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def practise() -> None:
    """Do once what every job does: what is built by that is then there."""
    exec(compile(PRACTICE, "practice", "exec"), {})
    quick_json.dumps(quick_json.loads(b'{"x": 1}'))


class Channel:
    """This end of the line to the supervisor."""

    def __init__(self) -> None:
        self.socket = socket(fileno=CHANNEL)

    def say(self, **fields) -> None:
        """Send one line."""
        self.socket.sendall(quick_json.dumps(fields).encode() + b"\n")

    def wait_for_next(self) -> bool:
        """Block until the next fork is asked for; False when the supervisor has gone."""
        return bool(self.socket.recv(1))

    def take(self) -> tuple[dict, list[int]] | None:
        """Block until a job comes; None when the supervisor has gone."""
        line, files = b"", []
        while not line.endswith(b"\n"):
            chunk, messages, _, _ = self.socket.recvmsg(1 << 18, CMSG_LEN(4 * FILES_PER_JOB))
            if not chunk:
                return None
            line += chunk
            for level, kind, data in messages:
                if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
                    files += memoryview(data[: len(data) // 4 * 4]).cast("i").tolist()
        return quick_json.loads(line), files


class Zygote:
    """Forks for each job."""

    def __init__(self, wrapper: str, path: list[str]):
        self.channel = Channel()
        self.wrapper = wrapper
        self.path = tuple(path)
        self.learned = mmap.mmap(-1, LEARNED_BYTES)
        with open(wrapper, "rb") as source:
            self.program = compile(source.read(), wrapper, "exec", dont_inherit=True)

    def serve(self) -> None:
        """Fork one job after the other."""
        self.channel.say(memory_bytes=kernel.own_memory_bytes())
        is_wanted = True
        while is_wanted:
            self.learned[:1] = b"\n"
            pid = os.fork()
            if pid == 0:
                self.become_job()
            self.tell(*os.wait4(pid, 0)[1:])
            is_wanted = self.channel.wait_for_next()

    def tell(self, status: int, usage) -> None:
        """Say how a fork ended, and which modules it had to import itself."""
        self.channel.say(
            status=status, max_rss_bytes=usage.ru_maxrss * 1024, user_ms=round(usage.ru_utime * 1000),
            sys_ms=round(usage.ru_stime * 1000), learned=self.read_learned(),
        )  # fmt: skip

    def read_learned(self) -> list[str]:
        """The names that the fork left; it is not to be trusted with their form."""
        text = self.learned[: self.learned.find(b"\n")]
        return [name for name in text.decode("ascii", "replace").split(" ") if name.replace(".", "").isidentifier()]

    def become_job(self) -> None:
        """Wait for a job and be it, to the end of this process."""
        os.setsid()
        interpreter.begin()
        taken = self.channel.take()
        if taken is None:
            os._exit(0)
        self.channel.say(took=os.getpid())
        job, files = taken
        wear(job, files)
        for ruleset in files[3:]:
            kernel.restrict_files(ruleset)
        os.closerange(CHANNEL, 1 << 20)
        arguments = job["argv"]
        if self.wrapper not in arguments:
            os.execvp(arguments[0], arguments)
        interpreter.put_on(arguments, self.wrapper)
        interpreter.run(self.program, self.note_modules)

    def note_modules(self, loaded: dict) -> None:
        """Leave the names of modules of packages that this process imported, for the next zygote to have them ready."""
        names = " ".join(name for name, module in loaded.items() if self.is_of_package(module))
        if names:
            self.learned[: len(names) + 1] = names[: LEARNED_BYTES - 1].encode("ascii", "replace") + b"\n"

    def is_of_package(self, module: object) -> bool:
        """Whether a module was loaded from a package's folder by this process."""
        file = vars(module).get("__file__") if type(module) is type(sys) else None
        return isinstance(file, str) and file.startswith(self.path)


class Resident:
    """Runs each job in this process, with the script loaded once; the first job brings it."""

    def __init__(self, wrapper: str, path: list[str]):
        self.channel = Channel()
        self.wrapper = wrapper
        self.module = None

    def serve(self) -> None:
        """Run one job after the other."""
        interpreter.begin()
        self.channel.say(memory_bytes=kernel.own_memory_bytes())
        while (taken := self.channel.take()) is not None:
            self.channel.say(took=os.getpid())
            before = resource.getrusage(resource.RUSAGE_SELF)
            code = self.run(*taken)
            self.tell(code, before, resource.getrusage(resource.RUSAGE_SELF))
            if not self.channel.wait_for_next():
                break

    def run(self, job: dict, files: list[int]) -> int:
        """Run one job; its exit code."""
        wear(job, files[:3])
        interpreter.renew_streams()
        interpreter.put_on(job["argv"], self.wrapper)
        code = runner.run(sys.argv[1], self.perform)
        interpreter.close_streams()
        return code

    def perform(self, folder: str, job: dict):
        """Call the script in the folder of this job."""
        if self.module is None:
            self.module = runner.load(folder, job)
        sys.path[0], self.module.__file__ = folder, os.path.join(folder, job["file"])
        return runner.call(self.module, folder, job)

    def tell(self, code: int, before, after) -> None:
        """Say how a job ended."""
        self.channel.say(
            status=(code & 0xFF) << 8, max_rss_bytes=after.ru_maxrss * 1024, learned=[],
            user_ms=round((after.ru_utime - before.ru_utime) * 1000),
            sys_ms=round((after.ru_stime - before.ru_stime) * 1000),
        )  # fmt: skip


def wear(job: dict, files: list[int]) -> None:
    """Take what belongs to a job: its streams, its view of files, its folder and its environment."""
    for target, source in enumerate(files[:3]):
        os.dup2(source, target)
        os.close(source)
    interpreter.set_environment(job["env"])
    os.chdir(job["cwd"])
