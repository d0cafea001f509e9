"""`windlass runtimes install <name>… | list`: bring the programs that run TypeScript, or say where they are."""

import asyncio
import sys

from windlass.languages.base import RuntimeMissing
from windlass.settings import Settings
from windlass.worker import runtimes

EXIT_USAGE = 2


async def run(settings: Settings, action: str = "", *names: str) -> int:
    """Install or list; 1 when a runtime did not come, 2 for words that mean nothing."""
    if action == "list" and not names:
        return list_all(settings)
    if action == "install" and names and runtimes.CATALOGUE.keys() >= set(names):
        return await install_all(settings, names)
    known = ", ".join(runtimes.CATALOGUE)
    print(f"windlass runtimes: say `list`, or `install` and one or more of: {known}", file=sys.stderr)
    return EXIT_USAGE


def list_all(settings: Settings) -> int:
    """One line for each runtime of the catalogue."""
    for name, runtime in runtimes.CATALOGUE.items():
        missing = f"not here; `windlass runtimes install {name}` brings {runtime.version}"
        print(f"{name:<6} {runtimes.find(name, settings) or missing}")
    return 0


async def install_all(settings: Settings, names: tuple[str, ...]) -> int:
    """Bring each of them, below the home folder; the others come although one does not."""
    code = 0
    for name in dict.fromkeys(names):
        try:
            print(f"{name:<6} {await asyncio.to_thread(runtimes.install, name, settings)}")
        except RuntimeMissing as error:
            print(f"windlass runtimes: {error}", file=sys.stderr)
            code = 1
    return code
