"""A TypeScript job's files; written by the plug-ins, read by `job/job.mjs`."""

import json
from pathlib import Path

from windlass.languages.base import check_entrypoint
from windlass.languages.shared.typescript.signature import Call, read_call

FILE = "main.ts"
JOB_FOLDER = Path(__file__).resolve().parent / "job"
TEMPLATE = """export async function main(name: string = "world", times: number = 1) {
  for (let time = 0; time < times; time++) {
    console.log(`Hello, ${name}!`);
  }
  return { greeted: name, times };
}
"""


def write_job(folder: Path, code: str, args: bytes, entrypoint: str, schema: dict | None, *, runs: str) -> None:
    """Write the script, `args.json` and `job.json`; raises EntrypointRejected.

    `runs` is the code as the runtime is to see it. The order of the arguments is the code's, else the schema's.
    """
    call = read_call(code, check_entrypoint(entrypoint)) or Call(parameters=tuple((schema or {}).get("order") or ()))
    job = {"entrypoint": entrypoint, "file": FILE, **vars(call)}
    (folder / FILE).write_text(runs, encoding="utf-8", errors="replace", newline="")
    (folder / "args.json").write_bytes(args or b"{}")
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
