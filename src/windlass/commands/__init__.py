"""The composition root: `windlass standalone | server | worker | migrate | doctor | runtimes`, the room that knows all.

`MODE` chooses when no sub-command does. Options win over the environment; children get their settings by
environment and their secrets by pipe. One file a command, each with `run(settings)` that returns the exit code;
the words behind a command that takes some come after the settings.
"""

import argparse
import importlib
import sys
from pathlib import Path

import uvloop

from windlass import __version__, telemetry
from windlass.errors import WindlassError
from windlass.settings import load

COMMANDS = {
    "standalone": "Everything in one process tree: PostgreSQL unless DATABASE_URL is set, the server, the workers.",
    "server": "The API server with the web UI, and maintenance when it leads.",
    "worker": "One worker process.",
    "migrate": "Bring the database up to date and say what was done.",
    "doctor": "Check this machine; prints the fixing command for each failure.",
    "runtimes": "Bring the programs that run TypeScript (`install bun deno`), or say where they are (`list`).",
}
TAKES_WORDS = {"runtimes"}

EPILOG = (
    "Without a command, MODE chooses one, else standalone. Settings are environment variables, such as DATABASE_URL; "
    "`windlass <command> --help` names the options that win over them."
)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `windlass` command; exits with an honest code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(home=options.home, host=options.host, port=options.port, mode=options.command)
        telemetry.configure(level=settings.rust_log, as_json=settings.json_fmt, role=settings.mode)
        # By name, so that a process holds what its command needs: a worker without the API is a third smaller.
        command = importlib.import_module(f"{__name__}.{options.command or settings.mode}")
        sys.exit(uvloop.run(command.run(settings, *options.words)))
    except WindlassError as error:
        print(f"windlass: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="windlass", description="Scripts into workflows, webhooks and UIs.",
                                     epilog=EPILOG)  # fmt: skip
    parser.add_argument("--version", action="version", version=f"windlass {__version__}")
    parser.set_defaults(command=None, home=None, host=None, port=None, words=())
    commands = parser.add_subparsers(dest="command", metavar="command")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--home", type=Path, help="folder of all state (WINDLASS_HOME)")
        command.add_argument("--host", help="address to listen on (HOST)")
        command.add_argument("--port", type=int, help="port to listen on (PORT)")
        if name in TAKES_WORDS:
            command.add_argument("words", nargs="+", help="what to do, and with which")
    return parser
