"""Groups of a workspace."""

from fastapi import Response
from pydantic import BaseModel

from windlass.api.access import Actor, Routes
from windlass.api.responses import json, text
from windlass.auth.permissions import Capability
from windlass.workspaces import groups

routes = Routes("groups")


class GroupEdit(BaseModel):
    """What can be set of a group."""

    summary: str = ""


class NewGroup(GroupEdit):
    """A group to create."""

    name: str


class GroupUser(BaseModel):
    """A member to put in or take out."""

    username: str


@routes.get("/w/{workspace}/groups/list", Capability.USERS_READ)
async def list_groups(caller: Actor) -> Response:
    """Every group with its members."""
    async with caller.transaction() as tx:
        return json(await groups.list_groups(tx))


@routes.get("/w/{workspace}/groups/listnames", Capability.USERS_READ)
async def list_group_names(caller: Actor, only_member_of: bool = False) -> Response:
    """The names of the groups."""
    async with caller.transaction() as tx:
        return json(await groups.list_names(tx, only_mine=only_member_of))


@routes.get("/w/{workspace}/groups/get/{name}", Capability.USERS_READ)
async def get_group(name: str, caller: Actor) -> Response:
    """One group."""
    async with caller.transaction() as tx:
        return json(await groups.get(tx, name))


@routes.post("/w/{workspace}/groups/create", Capability.WORKSPACES_WRITE)
async def create_group(body: NewGroup, caller: Actor) -> Response:
    """A new, empty group."""
    async with caller.transaction() as tx:
        await groups.create(tx, name=body.name, summary=body.summary)
    return text(f"Created group {body.name}")


@routes.post("/w/{workspace}/groups/update/{name}", Capability.WORKSPACES_WRITE)
async def update_group(name: str, body: GroupEdit, caller: Actor) -> Response:
    """Another summary."""
    async with caller.transaction() as tx:
        await groups.update(tx, name, body.summary)
    return text(f"Edited group {name}")


@routes.delete("/w/{workspace}/groups/delete/{name}", Capability.WORKSPACES_WRITE)
async def delete_group(name: str, caller: Actor) -> Response:
    """Remove a group."""
    async with caller.transaction() as tx:
        await groups.delete(tx, name)
    return text(f"Deleted group {name}")


@routes.post("/w/{workspace}/groups/adduser/{name}", Capability.WORKSPACES_WRITE)
async def add_group_user(name: str, body: GroupUser, caller: Actor) -> Response:
    """Put a member in a group."""
    async with caller.transaction() as tx:
        await groups.add_user(tx, name, body.username)
    return text(f"Added {body.username} to group {name}")


@routes.post("/w/{workspace}/groups/removeuser/{name}", Capability.WORKSPACES_WRITE)
async def remove_group_user(name: str, body: GroupUser, caller: Actor) -> Response:
    """Take a member out of a group."""
    async with caller.transaction() as tx:
        await groups.remove_user(tx, name, body.username)
    return text(f"Removed {body.username} from group {name}")
