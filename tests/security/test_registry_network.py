"""Packages resolve and install for a command that reaches nothing but the registries."""

import asyncio
import os

import pytest

from support.run_sandboxed import Sandbox
from windlass import tiers
from windlass.languages import registry
from windlass.settings import load
from windlass.worker.launcher.client import Launcher

PLURAL = 'export function main() { return pluralize("apple"); }\n'
SCRIPTS = {
    "python3": "import idna\n\ndef main():\n    return idna.encode('ä.de').decode()\n",
    "bun": f'import {{ pluralize }} from "inflection@3.0.0";\n{PLURAL}',
    "deno": f'import {{ pluralize }} from "npm:inflection@3.0.0";\n{PLURAL}',
}
RESULTS = {"python3": "xn--4ca.de", "bun": "apples", "deno": "apples"}


@pytest.fixture(scope="module", params=[tiers.ROOT if os.geteuid() == 0 else tiers.USER, tiers.POLICY])
def shut_in(request, tools):
    settings = load()
    launcher = Launcher(ladder=(request.param,), registries=settings.registries, upstream=settings.upstream_proxy)
    with asyncio.Runner() as loop:
        loop.run(launcher.start())
        yield Sandbox(loop=loop, launcher=launcher, tools=tools)
        loop.run(launcher.stop())


@pytest.mark.parametrize("name", SCRIPTS)
def test_packages_come_by_way_of_the_proxy(shut_in, name):
    language = registry.get(name)
    resolution = shut_in.resolve(language, SCRIPTS[name])
    assert resolution.error == ""
    shut_in.install(language, resolution.lock)
    assert shut_in.run(language, SCRIPTS[name], lock=resolution.lock).value == RESULTS[name]


@pytest.mark.parametrize("name", ["python3"])
def test_without_a_registry_in_reach_nothing_resolves(tools, name):
    launcher = Launcher(ladder=(tiers.USER,), registries=frozenset())
    with asyncio.Runner() as loop:
        loop.run(launcher.start())
        box = Sandbox(loop=loop, launcher=launcher, tools=tools)
        assert box.resolve(registry.get(name), "import flask\n\ndef main(): ...\n").error
        loop.run(launcher.stop())
