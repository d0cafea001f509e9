"""The wheel is all that a user needs: it brings the web UI, the documentation, the examples and the wmill module."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[2]
UI = ROOT / "src" / "windlass" / "api" / "static" / "index.html"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    assert UI.is_file(), "build the web UI first: make build"
    target = tmp_path_factory.mktemp("wheel")
    command = [uv.find_uv_bin(), "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    environment = os.environ | {"VIRTUAL_ENV": sys.prefix}
    subprocess.run([*command, "--out-dir", target, ROOT], check=True, env=environment, timeout=120)
    return next(target.glob("windlass-*.whl"))


@pytest.mark.parametrize("part", [
    "windlass/api/static/index.html", "windlass/_wmill/wmill/__init__.py", "windlass/_docs/start/first-script.md",
    "windlass/_examples/f/examples/hello.py", "windlass/db/migrations/0001_foundation.sql",
    "windlass/languages/python/wrapper.py", "windlass/languages/bun/wrapper.mjs", "windlass/languages/deno/wrapper.mjs",
    "windlass/languages/shared/typescript/job/job.mjs", "windlass/jobs/queries.sql",
])  # fmt: skip
def test_the_wheel_holds(wheel, part):
    assert part in zipfile.ZipFile(wheel).namelist()


def test_an_installed_wheel_finds_its_parts_without_the_checkout(wheel, tmp_path):
    """In the wheel's own files, with the dependencies of this environment and the checkout out of reach."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    site, checkout = str(tmp_path / "site"), str(ROOT / "src")
    code = (
        "import sys\n"
        f"sys.path[:] = [{site!r}] + [place for place in sys.path if not place.startswith({checkout!r})]\n"
        "import windlass\n"
        "from windlass.worker.toolchain import client_folder\n"
        "from windlass.scripts.examples import examples_folder\n"
        "from windlass.api.routes.docs import _pages\n"
        "from windlass.api import ui\n"
        "print(windlass.__file__, client_folder(), examples_folder(), len(_pages()), ui.FOLDER, sep='\\n')"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    package, client, examples, pages, static = shown.stdout.split()
    assert all(Path(place).is_relative_to(tmp_path / "site") for place in (package, client, examples, static))
    assert (Path(client) / "wmill").is_dir() and int(pages) > 15
