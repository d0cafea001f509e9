"""Folders of a workspace."""

from fastapi import Response
from pydantic import BaseModel

from windlass.api.access import Actor, Routes
from windlass.api.responses import json, text
from windlass.auth.permissions import Capability
from windlass.workspaces import folders
from windlass.workspaces.folders import FolderChange

routes = Routes("folders")


class FolderEdit(BaseModel):
    """What can be set of a folder."""

    summary: str | None = None
    owners: list[str] | None = None
    extra_perms: dict[str, bool] | None = None


class NewFolder(FolderEdit):
    """A folder to create."""

    name: str


class Owner(BaseModel):
    """A user (`u/…`) or group (`g/…`); when removed, `write` says what access is left."""

    owner: str
    write: bool | None = None


@routes.get("/w/{workspace}/folders/list", Capability.FOLDERS_READ)
async def list_folders(caller: Actor) -> Response:
    """The folders that the caller may read."""
    async with caller.transaction() as tx:
        return json(await folders.list_folders(tx))


@routes.get("/w/{workspace}/folders/listnames", Capability.FOLDERS_READ, response_model=list[str])
async def list_folder_names(caller: Actor) -> Response:
    """The names of the folders that the caller may read."""
    async with caller.transaction() as tx:
        return json([folder.name for folder in await folders.list_folders(tx)])


@routes.get("/w/{workspace}/folders/get/{name}", Capability.FOLDERS_READ)
async def get_folder(name: str, caller: Actor) -> Response:
    """One folder."""
    async with caller.transaction() as tx:
        return json(await folders.get(tx, name))


@routes.get("/w/{workspace}/folders/exists/{name}", Capability.FOLDERS_READ)
async def exists_folder(name: str, caller: Actor) -> Response:
    """Whether the name is taken."""
    async with caller.transaction() as tx:
        return json(await folders.exists(tx, name))


@routes.get("/w/{workspace}/folders/getusage/{name}", Capability.FOLDERS_READ)
async def get_folder_usage(name: str, caller: Actor) -> Response:
    """How many items lie in the folder."""
    async with caller.transaction() as tx:
        return json(await folders.count_usage(tx, name))


@routes.post("/w/{workspace}/folders/create", Capability.FOLDERS_WRITE)
async def create_folder(workspace: str, body: NewFolder, caller: Actor) -> Response:
    """A new folder, owned by the caller too."""
    if not caller.principal.is_admin:
        async with caller.app.database.system() as tx:
            await folders.check_vacant(tx, workspace, body.name, caller.principal.username)
    async with caller.transaction() as tx:
        await folders.create(tx, body.name, FolderChange(**body.model_dump(exclude={"name"})))
    return text(f"Created folder {body.name}")


@routes.post("/w/{workspace}/folders/update/{name}", Capability.FOLDERS_WRITE)
async def update_folder(name: str, body: FolderEdit, caller: Actor) -> Response:
    """Change what is given."""
    async with caller.transaction() as tx:
        await folders.update(tx, name, FolderChange(**body.model_dump()))
    return text(f"Updated folder {name}")


@routes.delete("/w/{workspace}/folders/delete/{name}", Capability.FOLDERS_WRITE)
async def delete_folder(name: str, caller: Actor) -> Response:
    """Remove the folder; the items below it stay."""
    async with caller.transaction() as tx:
        await folders.delete(tx, name)
    return text(f"Deleted folder {name}")


@routes.post("/w/{workspace}/folders/addowner/{name}", Capability.FOLDERS_WRITE)
async def add_folder_owner(name: str, body: Owner, caller: Actor) -> Response:
    """Make a user or group an owner."""
    async with caller.transaction() as tx:
        await folders.add_owner(tx, name, body.owner)
    return text(f"Added {body.owner} to folder {name}")


@routes.post("/w/{workspace}/folders/removeowner/{name}", Capability.FOLDERS_WRITE)
async def remove_folder_owner(name: str, body: Owner, caller: Actor) -> Response:
    """Take the ownership away."""
    async with caller.transaction() as tx:
        await folders.remove_owner(tx, name, body.owner, write=body.write)
    return text(f"Removed {body.owner} from folder {name}")
