"""The example workspace that comes with Windlass, put into a workspace. Called by `api/routes/workspaces.py`.

The examples are files in Windmill's layout. What exists already is left alone, so loading twice changes nothing.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from windlass.auth.permissions import Capability, Principal, require
from windlass.db.pool import Transaction
from windlass.errors import Misconfigured
from windlass.languages import registry as languages
from windlass.resources import service as resources
from windlass.resources import types
from windlass.resources.model import NewResource, NewResourceType
from windlass.resources.values import encode
from windlass.scripts import service
from windlass.scripts.model import NewScript
from windlass.secrets import service as variables
from windlass.secrets.model import NewVariable
from windlass.workspaces import folders
from windlass.workspaces.folders import FolderChange

PACKAGE = Path(__file__).parents[1]
FOLDER_FILE = "folder.meta.yaml"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What came into the workspace, and what was there before. Folders are `f/<name>`, types bare names."""

    created: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def note(self, name: str, *, is_new: bool) -> None:
        """Remember one item."""
        (self.created if is_new else self.skipped).append(name)


def examples_folder() -> Path:
    """The folder of files: inside the package when installed, in the checkout when developing."""
    installed = PACKAGE / "_examples"
    return installed if installed.is_dir() else PACKAGE.parents[1] / "examples" / "workspace"


async def load_folders(tx: Transaction[Principal]) -> Loaded:
    """Make the folders of the examples. The caller's rights in them hold from the next transaction on."""
    require(tx.actor, Capability.FOLDERS_WRITE)
    loaded = Loaded()
    for name, file in _files(f"/{FOLDER_FILE}"):
        is_new = not await folders.exists(tx, name.removeprefix("f/"))
        if is_new:
            await folders.create(tx, name.removeprefix("f/"), FolderChange(summary=_read(file)["summary"]))
        loaded.note(name, is_new=is_new)
    return loaded


async def load_items(tx: Transaction[Principal]) -> Loaded:
    """Make the types, variables, resources and scripts. Forbidden when the caller may not write to their folder."""
    loaded = Loaded()
    for suffix, make in _MAKERS.items():
        for name, file in _files(suffix):
            loaded.note(name, is_new=await make(tx, name, file))
    return loaded


def _files(suffix: str) -> Iterator[tuple[str, Path]]:
    root = examples_folder()
    for file in sorted(root.rglob("*.yaml")):
        relative = file.relative_to(root).as_posix()
        if relative.endswith(suffix):
            yield relative.removesuffix(suffix), file


def _read(file: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(file.read_text())


async def _make_type(tx: Transaction[Principal], name: str, file: Path) -> bool:
    require(tx.actor, Capability.RESOURCES_WRITE)
    if await types.list_types(tx, name):
        return False
    given = _read(file)
    await types.create(tx, NewResourceType(name=name, schema=encode(given["schema"]), description=given["description"]))
    return True


async def _make_variable(tx: Transaction[Principal], path: str, file: Path) -> bool:
    if await variables.find(tx, path):
        return False
    await variables.create(tx, NewVariable(path=path, **_read(file)))
    return True


async def _make_resource(tx: Transaction[Principal], path: str, file: Path) -> bool:
    if await resources.find(tx, path):
        return False
    given = _read(file)
    await resources.create(tx, NewResource(path=path, value=encode(given.pop("value")), **given))
    return True


async def _make_script(tx: Transaction[Principal], path: str, file: Path) -> bool:
    if await service.queries.exists(tx.connection, workspace=tx.actor.workspace, path=path):
        return False
    language, content = _code(file)
    await service.create(tx, NewScript(path=path, language=language, content=content, **_read(file)))
    return True


def _code(settings: Path) -> tuple[str, str]:
    """Language and text of the code that lies beside a script's settings."""
    for name in languages.names():
        code = settings.with_name(settings.name.removesuffix(".script.yaml") + f".{languages.get(name).extension}")
        if code.exists():
            return name, code.read_text()
    raise Misconfigured(f"there is no code for {settings}")


_MAKERS: dict[str, Callable[[Transaction[Principal], str, Path], Awaitable[bool]]] = {
    ".resource-type.yaml": _make_type,
    ".variable.yaml": _make_variable,
    ".resource.yaml": _make_resource,
    ".script.yaml": _make_script,
}
