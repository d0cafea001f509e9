"""Variables: create, read, list, change, delete, encrypt; and the names in the environment of a job."""

from datetime import datetime
from typing import Any

from fastapi import Body, Response
from pydantic import BaseModel, Field

from windlass.api import shapes
from windlass.api.access import Actor, Routes
from windlass.api.paging import Page, PerPage
from windlass.api.responses import json, text
from windlass.auth.permissions import Capability
from windlass.secrets import contextual, service
from windlass.secrets.model import Changes, Filter, NewVariable, Variable

routes = Routes("variables")
READ, WRITE = Capability.VARIABLES_READ, Capability.VARIABLES_WRITE


class NewVariableBody(BaseModel):
    """The protocol's CreateVariable."""

    path: str
    value: str
    is_secret: bool
    description: str | None = None
    expires_at: datetime | None = None
    labels: list[str] | None = None

    def to_model(self) -> NewVariable:
        """What the room takes."""
        return NewVariable(**self.model_dump(exclude_none=True))


class VariableChanges(BaseModel):
    """The protocol's EditVariable; what is absent or null stays as it is."""

    path: str | None = None
    value: str | None = None
    is_secret: bool | None = None
    description: str | None = None
    labels: list[str] | None = None

    def to_model(self) -> Changes:
        """What the room takes."""
        return Changes(**self.model_dump(exclude_none=True))


class VariablePaths(BaseModel):
    """Several variables."""

    paths: list[str] = Field(max_length=10_000)


def _view(variable: Variable, value: str | None) -> dict[str, Any]:
    shown = vars(variable) | {"value": value, "is_expired": variable.is_expired, "is_oauth": False}
    return {name: part for name, part in shown.items() if part is not None}


@routes.post("/w/{workspace}/variables/create", WRITE, defers_path=True, status_code=201)
async def create(actor: Actor, body: NewVariableBody, already_encrypted: bool = False) -> Response:
    """Make a variable; 400 when there is one."""
    async with actor.transaction() as tx:
        await service.create(tx, body.to_model(), already_encrypted=already_encrypted)
    return text(f"variable {body.path} created", 201)


@routes.post("/w/{workspace}/variables/update/{path:path}", WRITE)
async def update(actor: Actor, path: str, body: VariableChanges, already_encrypted: bool = False) -> Response:
    """Change or rename a variable."""
    async with actor.transaction() as tx:
        changed = await service.update(tx, path, body.to_model(), already_encrypted=already_encrypted)
    return text(f"variable {changed.path} updated")


@routes.get("/w/{workspace}/variables/get/{path:path}", READ, response_model=shapes.Variable)
async def get(
    actor: Actor, path: str, decrypt_secret: bool = True, include_encrypted: bool = False
) -> Response:  # fmt: skip
    """A variable; the text of a secret in clear, sealed, or not at all."""
    async with actor.transaction() as tx:
        variable = await service.get(tx, path)
        if decrypt_secret or not variable.is_secret:
            return json(_view(variable, await service.read(tx, variable)))
        return json(_view(variable, variable.value if include_encrypted else None))


@routes.get("/w/{workspace}/variables/get_value/{path:path}", READ)
async def get_value(actor: Actor, path: str) -> Response:
    """The text alone, as a JSON string."""
    async with actor.transaction() as tx:
        return json(await service.get_value(tx, path))


@routes.get("/w/{workspace}/variables/exists/{path:path}", READ)
async def exists(actor: Actor, path: str) -> Response:
    """Whether there is such a variable that the caller may see."""
    async with actor.transaction() as tx:
        return json(await service.find(tx, path) is not None)


@routes.get("/w/{workspace}/variables/list", READ, response_model=list[shapes.Variable])
async def list_variables(
    actor: Actor, path_start: str | None = None, path: str | None = None, description: str | None = None,
    value: str | None = None, broad_filter: str | None = None, label: str | None = None, page: Page = 1,
    per_page: PerPage | None = None,
) -> Response:  # fmt: skip
    """Variables by path; secrets without their text."""
    wanted = Filter(
        path_start=path_start, path=path, description=description, value=value, broad=broad_filter,
        label=label, page=page, per_page=per_page,
    )  # fmt: skip
    async with actor.transaction() as tx:
        found = await service.list_variables(tx, wanted)
    return json([_view(variable, None if variable.is_secret else variable.value) for variable in found])


@routes.get("/w/{workspace}/variables/list_contextual", READ)
async def list_contextual(actor: Actor) -> Response:
    """The variables that every job finds in its environment."""
    return json(contextual.list_contextual(actor.principal, actor.app.settings.public_url))


@routes.post("/w/{workspace}/variables/encrypt", WRITE)
async def encrypt(actor: Actor, value: str = Body()) -> Response:
    """Seal a text with the workspace's key, without storing it."""
    async with actor.transaction() as tx:
        return text(await service.encrypt(tx, value))


@routes.delete("/w/{workspace}/variables/delete/{path:path}", WRITE)
async def delete(actor: Actor, path: str) -> Response:
    """Delete a variable."""
    async with actor.transaction() as tx:
        await service.delete(tx, path)
    return text(f"variable {path} deleted")


@routes.delete("/w/{workspace}/variables/delete_bulk", WRITE)
async def delete_bulk(actor: Actor, body: VariablePaths) -> Response:
    """Delete several variables; the answer names those that are gone."""
    async with actor.transaction() as tx:
        return json(await service.delete_bulk(tx, body.paths))
