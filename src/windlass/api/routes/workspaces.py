"""Workspaces of the instance, and the settings of one."""

from fastapi import Response
from pydantic import BaseModel

from windlass.api import shapes
from windlass.api.access import Actor, Caller, Routes
from windlass.api.responses import json, text
from windlass.audit import log as audit
from windlass.auth.permissions import Capability, require
from windlass.scripts import examples
from windlass.workspaces import service, users
from windlass.workspaces.service import acting, username_for

routes = Routes("workspaces")


class WorkspaceId(BaseModel):
    """A workspace to look for."""

    id: str


class WorkspaceUsername(BaseModel):
    """A name to look for in a workspace."""

    id: str
    username: str


class NewWorkspace(BaseModel):
    """A workspace to create."""

    id: str
    name: str
    username: str | None = None
    color: str | None = None


class NewMember(BaseModel):
    """An account to let in."""

    email: str
    username: str | None = None
    is_admin: bool = False
    operator: bool = False


class NewName(BaseModel):
    """Another display name."""

    new_name: str


class MinSandboxTier(BaseModel):
    """The least sandbox tier, such as B."""

    min_sandbox_tier: str


class NewColor(BaseModel):
    """Another color, or none."""

    color: str | None = None


@routes.post("/workspaces/exists", Capability.WORKSPACES_LIST)
async def exists(body: WorkspaceId, caller: Actor) -> Response:
    """Whether the id is taken."""
    async with caller.app.database.system() as tx:
        return json(await service.exists(tx, body.id))


@routes.post("/workspaces/exists_username", Capability.WORKSPACES_LIST)
async def exists_username(body: WorkspaceUsername, caller: Actor) -> Response:
    """Whether a workspace has a member of this name."""
    async with caller.app.database.system() as tx:
        return json(await service.username_exists(tx, body.id, body.username))


@routes.post("/workspaces/create", Capability.WORKSPACES_LIST)
async def create(body: NewWorkspace, caller: Actor) -> Response:
    """A new workspace with the caller as its admin."""
    _require_create(caller)
    email = caller.principal.email
    async with caller.app.database.system() as tx:
        await service.create(
            tx, workspace=body.id, name=body.name, owner_email=email,
            username=body.username or username_for(email), color=body.color,
        )  # fmt: skip
        await audit.record(acting(tx, caller.principal, body.id), "workspaces.create", "Created", body.id)
    return text(f"Created workspace {body.id}", 201)


@routes.get("/workspaces/list", Capability.WORKSPACES_LIST, response_model=list[shapes.Workspace])
async def list_mine(caller: Actor) -> Response:
    """The workspaces that the caller is a member of."""
    async with caller.app.database.system() as tx:
        return json(await service.list_for(tx, caller.principal.email, only=caller.principal.bound_to))


@routes.get("/workspaces/users", Capability.WORKSPACES_LIST)
async def list_memberships(caller: Actor) -> Response:
    """The caller's workspaces with their name in each."""
    principal = caller.principal
    async with caller.app.database.system() as tx:
        found = await service.list_memberships(tx, principal.email, only=principal.bound_to)
    return json({"email": principal.email, "workspaces": found})


@routes.get("/workspaces/list_as_superadmin", Capability.INSTANCE)
async def list_all(caller: Actor) -> Response:
    """Every workspace, archived ones too."""
    async with caller.app.database.system() as tx:
        return json(await service.list_all(tx))


# The parameter is not called workspace, because an archived one opens to nobody.
@routes.post("/workspaces/unarchive/{archived}", Capability.INSTANCE)
async def unarchive(archived: str, caller: Actor) -> Response:
    """Open an archived workspace again."""
    async with caller.app.database.system() as tx:
        await service.unarchive(acting(tx, caller.principal, archived))
    return text(f"Unarchived workspace {archived}")


@routes.delete("/workspaces/delete/{doomed}", Capability.INSTANCE)
async def delete(doomed: str, caller: Actor) -> Response:
    """Remove a workspace, archived or not, for good."""
    async with caller.app.database.system() as tx:
        await service.delete(acting(tx, caller.principal), doomed)
    return text(f"Deleted workspace {doomed}")


@routes.post("/w/{workspace}/workspaces/add_user", Capability.WORKSPACES_WRITE)
async def add_user(body: NewMember, caller: Actor) -> Response:
    """Let an account into the workspace."""
    async with caller.transaction() as tx:
        await users.add(tx, **body.model_dump())
    return text(f"user with email {body.email} added", 201)


@routes.get("/w/{workspace}/workspaces/get_settings", Capability.WORKSPACES_READ)
async def get_settings(caller: Actor) -> Response:
    """The settings of the workspace."""
    async with caller.transaction() as tx:
        found, tier = await service.get(tx), await service.min_sandbox_tier(tx)
    return json({"workspace_id": found.id, "name": found.name, "owner": found.owner, "color": found.color,
                 "min_sandbox_tier": tier})  # fmt: skip


@routes.get("/w/{workspace}/workspaces/get_workspace_name", Capability.WORKSPACES_READ)
async def get_workspace_name(caller: Actor) -> Response:
    """The display name, as text."""
    async with caller.transaction() as tx:
        return text((await service.get(tx)).name)


@routes.post("/w/{workspace}/workspaces/change_workspace_name", Capability.WORKSPACES_WRITE)
async def change_workspace_name(body: NewName, caller: Actor) -> Response:
    """Another display name."""
    async with caller.transaction() as tx:
        await service.rename(tx, body.new_name)
    return text("updated workspace name")


@routes.post("/w/{workspace}/workspaces/change_workspace_color", Capability.WORKSPACES_WRITE)
async def change_workspace_color(body: NewColor, caller: Actor) -> Response:
    """Another color."""
    async with caller.transaction() as tx:
        await service.change_color(tx, body.color)
    return text("updated workspace color")


@routes.post("/w/{workspace}/workspaces/edit_min_sandbox_tier", Capability.WORKSPACES_WRITE)
async def edit_min_sandbox_tier(body: MinSandboxTier, caller: Actor) -> Response:
    """Jobs wait for a worker with a sandbox at least this good."""
    async with caller.transaction() as tx:
        await service.guard(tx, body.min_sandbox_tier)
    return text("updated the least sandbox tier")


@routes.post("/w/{workspace}/workspaces/archive", Capability.WORKSPACES_WRITE)
async def archive(workspace: str, caller: Actor) -> Response:
    """Close the workspace; a superadmin can open it again."""
    async with caller.transaction() as tx:
        await service.archive(tx)
    return text(f"Archived workspace {workspace}")


@routes.get("/w/{workspace}/workspaces/list_ws_specific", Capability.WORKSPACES_READ)
async def list_ws_specific() -> Response:
    """The items that are marked as differing between workspaces. Nothing can be marked, so there are none."""
    return json([])


@routes.post("/w/{workspace}/workspaces/load_examples", Capability.SCRIPTS_WRITE, defers_path=True)
async def load_examples(caller: Actor) -> Response:
    """Put the example scripts, resources and variables into `f/examples`; what exists is left alone."""
    async with caller.transaction() as tx:
        folders = await examples.load_folders(tx)
    async with (await caller.renewed()).transaction() as tx:
        items = await examples.load_items(tx)
    return json({"created": folders.created + items.created, "skipped": folders.skipped + items.skipped})


def _require_create(caller: Caller) -> None:
    """An open instance lets every person create a workspace, but no job and no narrowed token."""
    principal = caller.principal
    if caller.app.settings.create_workspace_require_superadmin or not principal.is_whole:
        require(principal, Capability.WORKSPACES_CREATE)
