"""The documentation tells the truth: what it names exists, what is generated is fresh, what it shows runs."""

import itertools
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from windlass.api import errors as api_errors
from windlass.api.routes import ALL
from windlass.db.migrate import migrations
from windlass.errors import WindlassError
from windlass.languages import registry as languages
from windlass.settings import PASSED_TO_INSTALLERS, Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "windlass"
DOCS = ROOT / "docs"
FOREIGN = {"node_modules", "dist"}

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[\s`/])windlass ([a-z]+)((?: +--[\w-]+(?: +[\w/.…-]+)?)*)", re.MULTILINE)
MAKE = re.compile(r"(?:^|`|\s{2,}|&& )make ([a-z]+)", re.MULTILINE)
ENDPOINT = re.compile(r"(?:\$W|(?<![\w/])/api|:8000/api)(/[\w/{}.$?=-]*[\w}])")
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*/[\w.-]+\.(?:py|sql|toml|md|lock)|(?:[a-z]\w*)\.py")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
# Variables that are no settings of ours: of the shell in an example, of other programs, of the job itself.
UNREAD = runpy.run_path(str(ROOT / "scripts" / "settings-reference.py"))["UNREAD"]
OTHER_VARIABLES = {"HOME_OF_STATE", "XDG_DATA_HOME", *PASSED_TO_INSTALLERS, *itertools.chain(*UNREAD.values())}


def pages() -> list[Path]:
    """Every page that is ours."""
    found = (page.relative_to(ROOT) for page in ROOT.rglob("*.md"))
    return sorted(page for page in found if not any(part.startswith(".") or part in FOREIGN for part in page.parts))


def text_of(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    return CODE.sub("", text_of(page))


def examples(language: str) -> Iterator[tuple[str, str]]:
    """Each code block of a language with the page it is on."""
    for page in pages():
        for number, (name, code) in enumerate(CODE.findall(text_of(page))):
            if name == language:
                yield f"{page}#{number}", code


def generated(script: str) -> tuple[str, Path]:
    """What a generator writes, and where."""
    module = runpy.run_path(str(ROOT / "scripts" / script))
    return module["render"](), module["PAGE"]


@cache
def help_of(*command: str) -> str:
    """The help of a command; fails when there is no such command."""
    argv = [sys.executable, "-m", "windlass", *command, "--help"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout


@cache
def job_variables() -> frozenset[str]:
    """The names in the environment of a job."""
    code = (SOURCE / "worker" / "environment.py").read_text()
    return frozenset(re.findall(r'^\s+"([A-Z][A-Z_]+)":', code, re.MULTILINE))


def setting_names() -> set[str]:
    return {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}


def anchor(heading: str) -> str:
    """The anchor of a heading, as pages on the web make it."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def test_the_pages_are_found():
    assert {Path("README.md"), Path("ARCHITECTURE.md"), Path("docs/reference/settings.md")} <= set(pages())


@pytest.mark.parametrize("script", ["settings-reference.py", "endpoints-reference.py"])
def test_a_generated_page_is_fresh(script):
    text, page = generated(script)
    assert page.read_text() == text, f"run .venv/bin/python scripts/{script}"


@pytest.mark.parametrize("name", sorted(setting_names()))
def test_every_setting_is_in_the_reference(name):
    assert f"| `{name}` |" in text_of(Path("docs/reference/settings.md"))


def test_every_route_is_in_the_reference():
    page = text_of(Path("docs/reference/endpoints.md"))
    rows = {f"| {item.method} | `{item.path.replace(':path}', '}')}` |" for routes in ALL for item in routes.declared}
    assert [row for row in rows if row not in page] == []


@pytest.mark.parametrize("page", pages(), ids=str)
def test_no_relative_link_is_dead(page):
    dead = [target for target in LINK.findall(prose_of(page)) if not leads_somewhere(page, target)]
    assert dead == []


def leads_somewhere(page: Path, target: str) -> bool:
    if re.match(r"\w+:", target):
        return True
    name, _, wanted = target.partition("#")
    file = (ROOT / page).parent / name if name else ROOT / page
    if not wanted:
        return file.exists()
    return file.is_file() and wanted in map(anchor, HEADING.findall(CODE.sub("", file.read_text())))


@pytest.mark.parametrize("page", pages(), ids=str)
def test_commands_and_options_exist(page):
    for command, options in COMMAND.findall(text_of(page)):
        assert command in help_of(), f"windlass {command}"
        for option in re.findall(r"--[\w-]+", options):
            assert option in help_of(command), f"windlass {command} {option}"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_targets_of_make_exist(page):
    makefile = (ROOT / "Makefile").read_text()
    in_code = "\n".join([*SPAN.findall(text_of(page)), *(code for _, code in CODE.findall(text_of(page)))])
    missing = [name for name in MAKE.findall(in_code) if not re.search(rf"^{name}:", makefile, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("page", pages(), ids=str)
def test_variables_of_the_environment_exist(page):
    known = setting_names() | job_variables() | OTHER_VARIABLES
    in_code = "\n".join([*SPAN.findall(prose_of(page)), *shell_of(page)])
    named = set(VARIABLE.findall(in_code))
    client = text_of_folder(ROOT / "clients" / "python") if page.is_relative_to("clients") else ""
    assert {name for name in named - known if name not in client} == set()


def shell_of(page: Path) -> list[str]:
    return [code for name, code in CODE.findall(text_of(page)) if name == "sh"]


def text_of_folder(folder: Path) -> str:
    return "\n".join(file.read_text() for file in folder.rglob("*.py"))


@pytest.mark.parametrize("page", [page for page in pages() if "clients" not in page.parts], ids=str)
def test_endpoints_exist(page):
    patterns = [pattern_of(item.path) for routes in ALL for item in routes.declared]
    patterns += [re.compile(r"/openapi\.json"), re.compile(r"/w/main")]
    named = {one.partition("?")[0] for one in ENDPOINT.findall(text_of(page))}
    missing = [one for one in named if not any(test.fullmatch(form) for test in patterns for form in forms(one))]
    assert missing == []


def pattern_of(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+(?::path)?\})", path)
    return re.compile("".join(
        (".+" if part.endswith(":path}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    ))  # fmt: skip


def forms(named: str) -> tuple[str, str]:
    """As written, and as a call within a workspace."""
    return named, f"/w/main{named}"


@pytest.mark.parametrize("page", pages(), ids=str)
def test_files_of_the_project_that_are_named_exist(page):
    folder = (ROOT / page).parent
    places = [ROOT, SOURCE, SOURCE / "worker", SOURCE / "worker" / "launcher", folder, *folder.glob("workspace/f/*")]
    named = {span for span in SPAN.findall(prose_of(page)) if FILE.fullmatch(span)}
    assert {name for name in named if not any((place / name).exists() for place in places)} == set()


def test_the_map_of_rooms_is_complete():
    chapter = text_of(Path("ARCHITECTURE.md")).partition("## Rooms")[2]
    block = CODE.search(chapter)
    assert block
    drawn = set(re.findall(r"[a-z]+(?:\.py|/)", "\n".join(line[:23] for line in block[2].splitlines())))
    there = {f"{path.name}/" for path in SOURCE.iterdir() if (path / "__init__.py").exists() and path.name[0] != "_"}
    there |= {path.name for path in SOURCE.glob("[a-z]*.py")}
    assert drawn == there


def test_the_list_of_tables_is_complete():
    sql = "\n".join(item.sql for item in migrations())
    made = set(re.findall(r"^CREATE TABLE (\w+)", sql, re.MULTILINE)) | {"windlass_migration"}
    chapter = text_of(Path("ARCHITECTURE.md")).partition("## Data")[2].partition("## ")[0]
    first_cells = [line.split("|")[1] for line in chapter.splitlines() if line.startswith("| `")]
    listed = {name for cell in first_cells for name in SPAN.findall(cell)}
    assert listed == made


def test_every_error_is_explained_with_its_status():
    page = text_of(Path("docs/reference/errors.md"))
    for kind in every_error(WindlassError):
        assert f"`{kind.__name__}`" in page
    for kind, status in api_errors.STATUS.items():
        assert re.search(rf"^\| {status} \| [^|]*`{kind.__name__}`", page, re.MULTILINE), kind


def every_error(kind: type[WindlassError]) -> Iterator[type[WindlassError]]:
    for one in kind.__subclasses__():
        yield one
        yield from every_error(one)


def test_every_failure_of_a_job_that_the_worker_names_is_explained():
    files = ("worker/execute.py", "worker/loop.py", "jobs/rescue.py")
    sources = "\n".join((SOURCE / name).read_text() for name in files)
    named = set(re.findall(r'(?:JobFault|failure|failures\.failure)\("(\w+)"', sources))
    page = text_of(Path("docs/reference/errors.md"))
    assert "PoisonJob" in named
    assert {name for name in named if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("name", languages.names())
def test_every_language_has_a_row_with_its_suffix_and_tag(name):
    language = languages.get(name)
    row = f"| `{name}` | `.{language.extension}` | `{language.tag}` |"
    assert row in text_of(Path("docs/reference/languages.md"))


@pytest.mark.parametrize("name", sorted(job_variables()))
def test_every_variable_of_a_job_is_in_the_reference(name):
    assert f"`{name}`" in text_of(Path("docs/reference/languages.md"))


@pytest.mark.parametrize(("place", "code"), [pytest.param(*one, id=one[0]) for one in examples("python")])
def test_python_examples_parse(place, code):
    assert languages.get("python3").signature(code).error is None, place


@pytest.mark.parametrize(("place", "code"), [pytest.param(*one, id=one[0]) for one in examples("typescript")])
def test_typescript_examples_parse(place, code):
    assert languages.get("bun").signature(code).error is None, place


@pytest.mark.parametrize(("place", "code"), list(examples("json")))
def test_results_in_examples_are_those_of_the_script(place, code):
    assert code.strip() == '{"greeted":"Ada","times":2}', f"{place}: add the new example to the run below"


async def test_the_first_script_of_the_tour_gives_the_result_that_is_shown(platform):
    for page in ("README.md", "docs/start/first-script.md"):
        code = next(code for place, code in examples("python") if place.startswith(page))
        job = await platform.preview(code, name="Ada", times=2)
        assert job["result"] == {"greeted": "Ada", "times": 2}
        assert job["logs"] == "Hello, Ada!\nHello, Ada!\n"


async def test_the_bash_example_gives_the_result_that_its_last_line_says(platform):
    code = next(code for place, code in examples("bash") if "scripts-bash" in place)
    job = await platform.preview(code, "bash", name="Ada", times="2")
    assert job["result"] == {"greeted": "Ada"}
