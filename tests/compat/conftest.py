"""The published Python client, loaded by its path so that it never meets the `wmill` of this repository."""

import asyncio
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from support.api import make_member
from support.platform import WORKSPACE, Platform

VERSION = "1.850.0"
CALL_SECONDS = 30
PINNED = f"# requirements:\n# wmill=={VERSION}\n"
ADD = "def main(a: int, b: int = 2):\n    return a + b\n"
FAIL = "def main():\n    raise ValueError('no luck')\n"
SLEEP = "import time\n\ndef main():\n    time.sleep(60)\n"


def published_folder() -> Path:
    """Where pip put the published package."""
    distribution = importlib.metadata.distribution("wmill")
    assert distribution.version == VERSION
    return Path(str(distribution.locate_file("wmill")))


def load_published() -> ModuleType:
    """The published package under another name."""
    folder = published_folder()
    spec = importlib.util.spec_from_file_location(
        "published_wmill", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


published = load_published()


@dataclass(frozen=True, kw_only=True)
class Client:
    """The published client object; its calls block, so they run beside the server's loop."""

    windmill: Any

    async def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """One method of the client."""
        return await asyncio.to_thread(getattr(self.windmill, method), *args, **kwargs)

    async def read(self, attribute: str) -> Any:
        """One property of the client; it asks the server too."""
        return await asyncio.to_thread(getattr, self.windmill, attribute)


def connect(platform: Platform, token: str | None) -> Client:
    """The client as a token."""
    windmill = published.Windmill(base_url=platform.url, token=token, workspace=WORKSPACE)
    windmill.client.timeout = CALL_SECONDS  # its own limit of a quarter of an hour would stall the whole run
    return Client(windmill=windmill)


@pytest.fixture
def client(platform, monkeypatch):
    """The published client as the superadmin, outside of any job."""
    for name in [name for name in os.environ if name.startswith(("WM_", "BASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WM_WORKSPACE", WORKSPACE)
    return connect(platform, platform.api.token)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ada(platform):
    """A developer who is a member of the workspace."""
    return await make_member(platform.api, "ada")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scripts(platform):
    """Three deployed scripts; the value is the hash of `f/compat/add`."""
    await platform.api.post("{ws}/folders/create", json={"name": "compat"})
    await platform.deploy("f/compat/fail", FAIL)
    await platform.deploy("f/compat/sleep", SLEEP)
    return await platform.deploy("f/compat/add", ADD)


@pytest.fixture
def run_outside(platform) -> Callable[[str], Any]:
    """Run code in a fresh interpreter that has the published package and a job's environment, and nothing else."""

    async def run(code: str) -> Any:
        environment = {"BASE_INTERNAL_URL": platform.url, "WM_TOKEN": platform.api.token, "WM_WORKSPACE": WORKSPACE}
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
