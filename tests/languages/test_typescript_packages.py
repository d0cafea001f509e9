"""The packages of TypeScript scripts: found in the imports, resolved, installed and imported in the sandbox."""

import json
import shutil

import pytest

from support.run_language import new_folder
from support.run_sandboxed import sandbox
from windlass.languages import registry
from windlass.languages.base import RequirementRejected
from windlass.languages.bun.packages import dependencies_of, without_versions
from windlass.languages.deno.lock import modules_of

BUN, DENO = registry.get("bun"), registry.get("deno")
IMPORTS = {
    "bun": """import { z } from "zod@3";
import * as wmill from "windmill-client";
export async function main(n: number) {
  const inflection = await import("npm:inflection@3");
  return [z.number().parse(n), typeof wmill.getVariable, inflection.pluralize("apple")];
}""",
    "deno": """import { z } from "npm:zod@3";
import * as wmill from "npm:windmill-client@1";
export async function main(n: number) {
  const inflection = await import("npm:inflection@3");
  return [z.number().parse(n), typeof wmill.getVariable, inflection.pluralize("apple")];
}""",
}


@pytest.fixture(scope="module")
def box(tools):
    with sandbox(tools) as box:
        yield box


@pytest.mark.parametrize(
    "line, expected",
    [
        ('import a from "left-pad";', {"left-pad": "latest"}),
        ('import a from "left-pad@1.3.0";', {"left-pad": "1.3.0"}),
        ('import a from "left-pad@^1 || ~2.0";', {"left-pad": "^1 || ~2.0"}),
        ('import a from "npm:left-pad@1";', {"left-pad": "1"}),
        ('import a from "@scope/name@1/deep/file.js";', {"@scope/name": "1"}),
        ('import a from "lodash/fp";', {"lodash": "latest"}),
        ('import "side-effect";', {"side-effect": "latest"}),
        ('export * from "again";', {"again": "latest"}),
        ('import a = require("old");', {"old": "latest"}),
        ('const a = require("older");', {"older": "latest"}),
        ('await import("later@2");', {"later": "2"}),
        ("await import(`no-literal`);", {}),
        ('import type { A } from "types-only";', {}),
        ('import { type A, b } from "both";', {"both": "latest"}),
        ('import a from "a@1"; import b from "a";', {"a": "1"}),
        ('import fs from "node:fs"; import { sql } from "bun"; import "bun:sqlite"; import "fs/promises";', {}),
        ('import a from "./near.ts"; import b from "../up"; import c from "/f/team/script.ts"; import "#inner";', {}),
        ('const text = "import x from \\"quoted\\"";', {}),
        ('// import x from "commented";', {}),
    ],
)
def test_the_packages_of_a_script_are_found(line, expected):
    assert dependencies_of(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        'import a from "jsr:@std/encoding";',
        'import a from "https://example.com/a.ts";',
        'import a from "git+ssh://host/a";',
        'import a from "a@file:../../etc";',
        'import a from "a@git+https:x";',
        'import a from "a b";',
        'import a from "--registry=x";',
        'import a from "@scope";',
        'import a from "a@1"; import b from "a@2";',
    ],
)
def test_what_is_no_package_of_npm_is_refused(line):
    with pytest.raises(RequirementRejected):
        dependencies_of(line)


def test_bun_sees_plain_names_and_every_place_stays():
    code = 'import a from "npm:@s/a@1/ü"; é(a);\nimport b from \'zod@3\'; const c = "zod@3"; import("npm:zod@3");'
    plain = without_versions(code)
    assert (
        plain == 'import a from "@s/a/ü"      ; é(a);\nimport b from \'zod\'  ; const c = "zod@3"; import("zod"      );'
    )
    assert len(plain.encode()) == len(code.encode())


def test_deno_takes_modules_of_npm_of_jsr_and_by_https():
    taken = 'import "npm:b@1"; import "jsr:@std/a@1/x"; import "https://h/c.ts";'
    code = f'{taken} import "node:fs"; import "./d.ts"; import "bare";'
    assert modules_of(code) == ["https://h/c.ts", "jsr:@std/a@1/x", "npm:b@1"]
    for specifier in ("http://h/c.ts", "ftp://h/c", "npm:", "npm:a b"):
        with pytest.raises(RequirementRejected):
            modules_of(f'import "{specifier}";')


@pytest.mark.parametrize("language", [BUN, DENO], ids=["bun", "deno"])
def test_packages_are_locked_installed_once_and_imported(box, language):
    code = IMPORTS[language.name]
    lock = box.resolve(language, code).lock
    assert "sha512-" in lock and "inflection" in lock
    assert box.resolve(language, code).lock == lock
    target = box.install(language, lock)
    assert language.install_plan(lock, new_folder(box.tools), box.tools).command is None
    for ahead in (False, True):
        assert box.run(language, code, {"n": 3}, lock=lock, ahead=ahead).value == [3, "function", "apples"]
    assert target.exists()


def test_a_package_cannot_be_changed_by_a_job(box):
    code = IMPORTS["bun"]
    lock = box.resolve(BUN, code).lock
    place = box.install(BUN, lock) / "node_modules" / "zod" / "package.json"
    before = place.read_bytes()
    attack = """import { writeFileSync } from "node:fs";
import "zod@3"; import "windmill-client"; import "npm:inflection@3";
export function main() { writeFileSync("node_modules/zod/package.json", "{}"); }"""
    assert "EACCES" in box.run(BUN, attack, lock=lock).error["message"]
    assert place.read_bytes() == before


def test_deno_installs_a_lock_that_names_no_modules_by_its_specifiers(box):
    code = 'import { pluralize } from "npm:inflection@3";\nexport function main() { return pluralize("apple"); }'
    lock = box.resolve(DENO, code).lock
    bare = "".join(line for line in lock.splitlines(keepends=True) if not line.startswith("//"))
    assert bare != lock
    box.install(DENO, bare)
    assert box.run(DENO, code, lock=bare).value == "apples"


@pytest.mark.parametrize(
    "language, code",
    [
        (BUN, 'import x from "no-such-package-of-windlass"; x();'),
        (BUN, 'import x from "inflection@99"; x();'),
        (DENO, 'import x from "npm:no-such-package-of-windlass"; x();'),
        (DENO, 'import x from "npm:inflection@99"; x();'),
    ],
    ids=lambda value: getattr(value, "name", "") or value[15:40],
)
def test_a_package_that_is_not_there_is_named_in_one_sentence(box, language, code):
    error = box.resolve(language, code).error
    assert "no-such-package-of-windlass" in error or "inflection" in error
    assert len(error.splitlines()) <= 2 and "Download" not in error and "\x1b" not in error


@pytest.mark.parametrize(
    "lock",
    [
        "no json\n//bun.lock\n{}",
        '{"dependencies": ["a"]}\n//bun.lock\n{}',
        '{"dependencies": {"a": "file:../x"}}\n//bun.lock\n{}',
        '{"dependencies": {"../a": "1"}}\n//bun.lock\n{}',
    ],
)
def test_a_lock_that_asks_bun_for_more_than_packages_is_refused(tools, lock):
    with pytest.raises(RequirementRejected):
        BUN.install_plan(lock, new_folder(tools), tools)


def test_scripts_of_a_lock_are_dropped_before_bun_sees_it(tools):
    lock = '{"dependencies": {"a": "1"}, "scripts": {"preinstall": "touch owned"}}\n//bun.lock\n{}\n'
    plan = BUN.install_plan(lock, new_folder(tools), tools)
    assert plan.aside is not None
    assert json.loads((plan.aside / "package.json").read_text()) == {"dependencies": {"a": "1"}}
    BUN.abandon_install(plan)
    assert not plan.aside.exists()


@pytest.mark.parametrize("lock", ["not json", '{"specifiers": {"file:///etc/passwd": "1"}}', "// file:///etc\n{}"])
def test_a_lock_that_is_none_of_denos_is_refused(tools, lock):
    with pytest.raises(RequirementRejected):
        DENO.install_plan(lock, new_folder(tools), tools)


@pytest.mark.parametrize("lock", ["", "{}\n//bun.lock\n<empty>", "//bun.lock\n<empty>"])
def test_a_lock_without_packages_installs_nothing(tools, lock):
    assert BUN.install_plan(lock, new_folder(tools), tools).command is None


def test_whoever_installs_second_drops_its_own_copy(tools):
    lock = '{"dependencies": {"only-for-this-test": "1"}}\n//bun.lock\n{}\n'
    first, second = (BUN.install_plan(lock, new_folder(tools), tools) for _ in range(2))
    BUN.finish_install(first)
    BUN.finish_install(second)
    assert first.target == second.target and first.target.is_dir()
    assert second.aside is not None and not second.aside.exists()
    shutil.rmtree(first.target)
