"""TypeScript jobs in the real sandbox, by Bun and by Deno, in a process of their own and in one started ahead."""

import json
import os
import re
import socket

import pytest

from support.run_sandboxed import sandbox
from windlass.languages import registry


@pytest.fixture(scope="module")
def box(tools):
    with sandbox(tools) as box:
        yield box


@pytest.fixture(params=["bun", "deno"])
def language(request):
    return registry.get(request.param)


@pytest.fixture(params=[False, True], ids=["cold", "ahead"])
def run(request, box, language):
    """Run code with arguments."""
    return lambda code, /, lock="", entrypoint="main", variables=None, **args: box.run(
        language, code, args, lock=lock, entrypoint=entrypoint, variables=variables, ahead=request.param
    )


def test_arguments_come_in_the_order_of_the_code_whatever_they_are_called(run):
    code = "export function main(run: string, main: string, job: number) { return { run, main, job }; }"
    assert run(code, job=3, main="b", run="a").value == {"run": "a", "main": "b", "job": 3}


def test_what_is_not_given_takes_its_default_and_what_is_not_taken_is_dropped(run):
    code = "export const main = async (a: string, b = 2, c?: number) => [a, b, c === undefined];"
    assert run(code, a="x", z=1).value == ["x", 2, True]


def test_dates_and_big_integers_arrive_as_what_they_are(run):
    code = "export function main(d: Date, n: bigint, o: Date | null) { return [d.getTime(), typeof n, n + 1n, o]; }"
    assert run(code, d="2020-01-01T00:00:00Z", n=2**53 - 2, o=None).value == [1577836800000, "bigint", 2**53 - 1, None]


def test_an_argument_that_is_no_date_is_named(run):
    error = run("export function main(since: Date) {}", since="soon").error
    assert error["name"] == "InvalidArgument"
    assert "'since'" in error["message"] and "soon" in error["message"]


def test_an_entry_point_of_another_name_is_called(run):
    code = "export function main() { return 1; }\nfunction other(a: string) { return a; }\nexport { other as again };"
    assert run(code, entrypoint="again", a="x").value == "x"


def test_a_function_that_is_not_exported_is_told(run):
    error = run("function main() {}").error
    assert error["name"] == "MissingEntrypoint"
    assert "export function main" in error["message"]


def test_a_failure_tells_the_lines_of_the_script_through_its_types(run):
    code = """type Amount = { value: number };
interface Named { name: string }

function check(amount: Amount): never {
  throw new RangeError("too much", { cause: new Error("the reason") });
}

export async function main() {
  await Promise.resolve();
  check({ value: 1 });
}
"""
    done = run(code)
    assert (done.error["name"], done.error["message"]) == ("RangeError", "too much")
    places = re.findall(r"at (\w+) \(main\.ts:(\d+):\d+\)", done.error["stack"])
    assert places[:2] == [("check", "5"), ("main", "10")]
    assert "Caused by: Error: the reason" in done.error["stack"]
    assert "job.mjs" not in done.error["stack"] and "wrapper" not in done.error["stack"]
    assert "RangeError: too much" in done.stderr


@pytest.mark.parametrize(
    "thrown, message", [('"only text"', "only text"), ("{ code: 3 }", '{"code":3}'), ("null", "null")]
)
def test_whatever_is_thrown_is_a_failure(run, thrown, message):
    assert run(f"export function main() {{ throw {thrown}; }}").error["message"] == message


def test_code_that_does_not_compile_fails_with_its_place(run):
    error = run("export function main() {\n  const x = 1 +* 2;\n}").error
    assert "main.ts:2:16" in error["message"]
    assert str(error).count("/main.ts") == 0


def test_an_import_of_nothing_is_named(run):
    assert "not-there" in run('import x from "./not-there.ts";\nexport function main() { return x; }').error["message"]


@pytest.mark.parametrize(
    "line",
    ['Promise.reject(new Error("lost"));', 'setTimeout(() => { throw new Error("lost"); }, 1);'],
    ids=["rejection", "timer"],
)
def test_a_failure_that_nobody_waits_for_fails_the_job(run, line):
    code = f"export async function main() {{ {line} await new Promise((done) => setTimeout(done, 5000)); }}"
    assert run(code).error["message"] == "lost"


def test_a_script_that_waits_for_nothing_fails_instead_of_ending_well(run):
    assert run("export async function main() { await new Promise(() => {}); }").error["name"] == "NoResult"


def test_what_goes_on_in_the_background_does_not_keep_a_job_alive(run):
    assert run("export function main() { setInterval(() => {}, 1000); return 1; }").value == 1


def test_values_that_json_lacks_are_written_as_what_comes_near(run):
    code = """export function main() {
  return {
    date: new Date(0), map: new Map([["a", 1]]), set: new Set([1]), bytes: new Uint8Array([1, 2]),
    floats: new Float64Array([1.5]), small: 10n, huge: 2n ** 80n, none: undefined, nan: NaN, error: new Error("x"),
    half: "\\ud800", escaped: "\\\\ud800", nested: [new Map([["b", new Set([2])]])],
  };
}"""
    assert run(code).value == {
        "date": "1970-01-01T00:00:00.000Z",
        "map": {"a": 1},
        "set": [1],
        "bytes": "AQI=",
        "floats": [1.5],
        "small": 10,
        "huge": str(2**80),
        "none": None,
        "nan": None,
        "error": {"name": "Error", "message": "x"},
        "half": "\ufffd",
        "escaped": "\\ud800",
        "nested": [{"b": [2]}],
    }


def test_a_result_that_contains_itself_is_a_failure(run):
    assert run("export function main() { const a: any = {}; a.a = a; return a; }").error["name"] == "TypeError"


def test_an_async_generator_streams_and_a_plain_one_is_collected(run):
    streamed = run('export async function* main() { yield "a\\nb"; yield { x: 1 }; }')
    assert streamed.stdout == 'WM_STREAM: a\\nb\nWM_STREAM: {"x":1}\n'
    assert streamed.value is None
    assert run("export function* main() { yield 1; yield 2; }").value == [1, 2]


def test_everything_that_was_printed_arrives_before_the_end(run):
    code = "export function main() { for (let i = 0; i < 20000; i++) console.log(`line ${i} ${'x'.repeat(80)}`); }"
    lines = run(code).stdout.splitlines()
    assert (len(lines), lines[-1].split()[:2]) == (20000, ["line", "19999"])


def test_a_job_sees_its_own_folder_and_environment_and_no_other(run):
    code = """import process from "node:process";
import { execFileSync } from "node:child_process";
export function main() {
  const child = execFileSync("/bin/sh", ["-c", "echo $CHOSEN; pwd"]).toString();
  return { env: process.env, cwd: process.cwd(), child };
}"""
    done = run(code, variables={"CHOSEN": "for the job"})
    value = done.value
    assert value["cwd"] == value["env"]["HOME"] == str(done.folder)
    assert value["env"]["CHOSEN"] == "for the job"
    assert "ONLY_OF_THE_WAITING" not in value["env"]
    assert value["child"] == f"for the job\n{done.folder}\n"


def test_a_job_writes_in_its_folder_and_nowhere_else(run, tmp_path):
    tmp_path.chmod(0o777)
    code = """import { writeFileSync } from "node:fs";
export function main(outside: string) {
  writeFileSync("inside.txt", "x");
  try { writeFileSync(outside, "x"); return "written"; } catch (error) { return (error as Error).message; }
}"""
    done = run(code, outside=str(tmp_path / "owned"))
    assert done.value != "written"
    assert (done.folder / "inside.txt").read_text() == "x"
    assert not (tmp_path / "owned").exists()


def test_the_worker_and_what_is_its_own_are_out_of_reach(run, tmp_path):
    secret, place = tmp_path / "secret", tmp_path / "socket"
    secret.write_text("kept")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        done = run(ATTACKS, worker=os.getpid(), secret=str(secret), socket=str(place), folder=str(tmp_path))
    assert set(done.value) == {"read", "list", "environment", "memory", "signal", "limit", "connect", "spawn", "link"}
    assert {name for name, outcome in done.value.items() if outcome == "open"} == set()


def test_worker_threads_and_enums_and_parameter_properties_work(run):
    code = """import { Worker } from "node:worker_threads";
enum Colour { Red = "red" }
class Point { constructor(private x: number) {} get() { return this.x; } }
export async function main(colour: Colour = Colour.Red) {
  const worker = new Worker('require("node:worker_threads").parentPort.postMessage(42)', { eval: true });
  const said = await new Promise((done, failed) => worker.on("message", done).on("error", failed));
  return [colour, new Point(3).get(), said];
}"""
    assert run(code).value == ["red", 3, 42]


def test_without_network_nothing_is_reached(run):
    code = """// windlass: network=none
import { connect } from "node:net";
export async function main() {
  return await new Promise((done) => connect(1, "127.0.0.1").on("error", (error: any) => done(error.code)));
}"""
    assert run(code).value in ("EACCES", "EPERM", "EAFNOSUPPORT")


def test_a_process_that_is_not_needed_ends_silently(box, language, tools):
    warm = language.warm("export function main() {}", "", tools)
    ended = box.start(warm)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "")


def test_a_script_may_ask_for_a_process_of_its_own(language, tools):
    assert language.warm("// windlass: cold\nexport function main() {}", "", tools) is None
    assert language.warm('const x = "\\n// windlass: cold";\nexport function main() {}', "", tools) is not None


def test_processes_of_scripts_with_other_locks_are_not_shared(language, tools, box):
    code = "export function main() {}"
    locks = ["", LOCKS[language.name]]
    assert len({language.warm(code, lock, tools).key for lock in locks}) == 2


ATTACKS = """import { execFileSync } from "node:child_process";
import { openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";

function attempt(attack: () => unknown): string {
  try {
    attack();
    return "open";
  } catch (error) {
    return (error as Error).message;
  }
}

export async function main(worker: number, secret: string, socket: string, folder: string) {
  const reach = () => new Promise<string>((done) => {
    connect(socket).on("connect", () => done("open")).on("error", (error) => done(error.message));
  });
  return {
    read: attempt(() => readFileSync(secret)),
    list: attempt(() => readdirSync(folder)),
    environment: attempt(() => readFileSync(`/proc/${worker}/environ`)),
    memory: attempt(() => openSync(`/proc/${worker}/mem`, "r")),
    signal: attempt(() => process.kill(worker, "SIGCONT")),
    limit: attempt(() => execFileSync("/usr/bin/prlimit", ["--core=0", "--pid", String(worker)], { stdio: "pipe" })),
    connect: await reach().catch((error) => error.message),
    spawn: attempt(() => execFileSync("/bin/cat", [secret], { stdio: "pipe" })),
    link: attempt(() => readlinkSync(`/proc/${worker}/cwd`)),
  };
}
"""
LOCKS = {
    "bun": '{"dependencies": {"zod": "3"}}\n//bun.lock\n{}\n',
    "deno": "// npm:zod@3\n" + json.dumps({"version": "5", "specifiers": {"npm:zod@3": "3.25.76"}}),
}
