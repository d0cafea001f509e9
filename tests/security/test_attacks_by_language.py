"""The attack list of the sandbox, tried by a process of each language, and in each phase of a job."""

import json
import subprocess
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from support.run_language import new_folder
from support.run_sandboxed import environment
from windlass import tiers
from windlass.languages import registry
from windlass.worker.launcher import inside, probe
from windlass.worker.launcher.client import INTERPRETER

ATTACKS = Path(__file__).parent / "attacks"
SCRIPTS = {"bash": "attacks.sh", "bun": "attacks.mjs", "deno": "attacks.mjs"}
NEEDS_PROC = {"bun", "deno"}
PACKAGES = {
    "python3": ("import idna\ndef main(): return 1\n", "idna==3.7\n"),
    "bun": ('import "inflection@3.0.0";\nexport function main() {}\n', None),
    "deno": ('import "npm:inflection@3.0.0";\nexport function main() {}\n', None),
}


@pytest.fixture
def ground():
    with tempfile.TemporaryDirectory(prefix="windlass-attack-") as ground:
        Path(ground).chmod(0o711)
        yield Path(ground)


def tier_of(box) -> str:
    return box.launcher.ladder[0]


def target_in(ground: Path, box):
    return probe._target(ground, is_apart=tier_of(box) in tiers.NAMESPACED)


def attack(box, language: str, target: inside.Target) -> dict[str, bool]:
    """What got through to a script of the language."""
    code, words = (ATTACKS / SCRIPTS[language]).read_text(), asdict(target) | {"calls": {}}
    args = {"target": json.dumps(words) if language == "bash" else words}
    ran = box.run(registry.get(language), code, args)
    assert ran.outcome.success, ran.stderr + ran.outcome.result.decode()
    return ran.value


@pytest.mark.parametrize("language", SCRIPTS)
def test_nothing_gets_through_from_a_script(box, ground, language):
    with target_in(ground, box) as target:
        results = attack(box, language, target)
    assert len(results) >= 55
    # Where the sandbox can make no /proc, what cannot do without gets that of the machine, as in tier B.
    known = {"see_other_processes"} if tier_of(box) in tiers.NO_PROC and language in NEEDS_PROC else set()
    assert {name for name, gets_through in results.items() if gets_through} <= known


@pytest.mark.parametrize("language", SCRIPTS)
def test_the_attacks_get_through_where_there_is_no_sandbox(tools, ground, language):
    with probe._target(ground, is_apart=True) as target:
        words = json.dumps(asdict(target) | {"calls": {}})
        results = json.loads(outside(tools, language, words, ground))
    always = {
        "read_worker_environment", "read_worker_memory_map", "read_supervisor_environment", "signal_worker",
        "signal_supervisor", "read_file_outside", "list_folder_outside", "write_file_outside", "make_file_outside",
        "truncate_file_outside", "link_file_outside", "read_through_symbolic_link", "copy_file_outside",
        "leave_by_dots", "leave_by_own_root", "rename_file_outside", "remove_file_outside",
        "read_file_in_shared_temporary_folder", "write_file_in_shared_temporary_folder", "list_root_folder",
        "spare_itself_from_the_memory_killer", "see_other_processes", "read_shared_memory_of_others",
        "see_system_state",
    }  # fmt: skip
    assert {name for name in always if not results[name]} == set()


def outside(tools, language: str, words: str, folder: Path) -> bytes:
    if language == "bash":
        argv = ["bash", str(ATTACKS / "attacks.sh"), words]
    else:
        (folder / "attacks.mjs").write_bytes((ATTACKS / "attacks.mjs").read_bytes())
        (folder / "outside.mjs").write_text(
            'import process from "node:process";\nimport { main } from "./attacks.mjs";\n'
            "console.log(JSON.stringify(await main(JSON.parse(process.argv.at(-1)))));\n"
        )
        runtime = str(tools.runtime(language))
        argv = [runtime, "run", *(["-A"] if language == "deno" else []), str(folder / "outside.mjs"), words]
    return subprocess.run(argv, cwd=folder, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("phase", ["resolve", "install"])
@pytest.mark.parametrize("name", PACKAGES)
def test_nothing_gets_through_from_what_resolves_and_installs(box, ground, name, phase):
    code, lock = PACKAGES[name]
    language, folder = registry.get(name), new_folder(box.tools)
    plan = language.lock_plan(code, folder, box.tools)
    if phase == "install":
        plan = language.install_plan(lock or box.resolve(language, code).lock, folder, box.tools)
    assert plan.command is not None
    with target_in(ground, box) as target:
        argv = (*INTERPRETER, "-", json.dumps(asdict(target)))
        command = replace(plan.command, argv=argv, env=environment(plan.command.cwd))
        ended = box.loop.run(box._launch(command, Path(inside.__file__).read_bytes()))
    results = json.loads(ended.stdout)
    assert len(results) >= 100
    known = {"see_other_processes"} if tier_of(box) in tiers.NO_PROC and name in NEEDS_PROC else set()
    assert {found for found, gets_through in results.items() if gets_through} <= known
