"""The real application in this process, driven over HTTP without a socket, and a small world to act in."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from support.postgres import Urls
from windlass.api.app import create_app
from windlass.auth import accounts, tokens
from windlass.db.pool import Database
from windlass.settings import Settings, load
from windlass.workspaces import service as workspaces

WORKSPACE = "main"
PASSWORD = "correct horse battery"


def settings_for(urls: Urls, **overrides: Any) -> Settings:
    """Settings that point at a test database."""
    return load(database_url=urls.owner, database_url_api=urls.api, database_url_system=urls.system, **overrides)


def open_database(urls: Urls) -> Database:
    """The two pools of a process; open and close them yourself."""
    return Database(api_url=urls.api, system_url=urls.system, size=8)


@dataclass(frozen=True, kw_only=True)
class Api:
    """A client of the running application. `ws` is the workspace's prefix."""

    http: httpx2.AsyncClient
    database: Database
    token: str | None = None
    workspace: str = WORKSPACE

    def as_token(self, token: str | None) -> "Api":
        """The same client with another identity (None: nobody)."""
        return replace(self, token=token)

    async def call(self, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        """One request to /api + path; `{ws}` in the path is /w/<workspace>."""
        headers = kwargs.pop("headers", {})
        if self.token is not None:
            headers = {"Authorization": f"Bearer {self.token}"} | headers
        url = "/api" + path.replace("{ws}", f"/w/{self.workspace}")
        return await self.http.request(method, url, headers=headers, **kwargs)

    async def get(self, path: str, **kwargs: Any) -> httpx2.Response:
        """GET."""
        return await self.call("GET", path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> httpx2.Response:
        """POST."""
        return await self.call("POST", path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> httpx2.Response:
        """DELETE."""
        return await self.call("DELETE", path, **kwargs)


@asynccontextmanager
async def running_api(urls: Urls, **overrides: Any) -> AsyncIterator[Api]:
    """The application with a superadmin `admin@windmill.dev`, the workspace `main`, and a client that is that admin."""
    database = open_database(urls)
    app = create_app(settings_for(urls, **overrides), database)
    async with app.router.lifespan_context(app):
        token = await make_world(database)
        transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 50_000), raise_app_exceptions=False)
        hooks = {"response": [shape_check(app)]}
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000", event_hooks=hooks) as http:
            yield Api(http=http, database=database, token=token)


def shape_check(app: FastAPI) -> Callable[[httpx2.Response], Awaitable[None]]:
    """Holds every JSON answer of a test against the shape that the route's documentation promises."""
    routes = [route for route in app.router.routes if isinstance(route, APIRoute) and route.response_model is not None]

    async def check(response: httpx2.Response) -> None:
        if response.status_code != 200 or "json" not in response.headers.get("content-type", ""):
            return
        path, method = response.request.url.path, response.request.method
        for route in routes:
            if method in route.methods and route.path_regex.match(path):
                TypeAdapter(route.response_model).validate_python(json.loads(await response.aread()))
                return

    return check


async def make_world(database: Database) -> str:
    """The first superadmin and the workspace `main`; returns a token of the admin."""
    async with database.system() as tx:
        await accounts.create(tx, email=accounts.FIRST_EMAIL, password=PASSWORD, super_admin=True)
        await workspaces.create(
            tx, workspace=WORKSPACE, name="Main", owner_email=accounts.FIRST_EMAIL, username="admin"
        )
        return await make_token(tx, accounts.FIRST_EMAIL)


async def make_token(tx: Any, email: str, **options: Any) -> str:
    """A token of an account; options as `tokens.create` takes them."""
    defaults = {"label": "test", "expiration": None, "scopes": None, "workspace": None}
    return await tokens.create(tx, email=email, **(defaults | options))


async def make_member(api: Api, username: str, *, is_admin: bool = False, operator: bool = False) -> Api:
    """A new account that is a member of the workspace, as a client."""
    email = f"{username}@example.com"
    async with api.database.system() as tx:
        await accounts.create(tx, email=email, password=PASSWORD)
        await workspaces.add_member(
            tx, workspace=api.workspace, email=email, username=username, is_admin=is_admin, operator=operator
        )
        return api.as_token(await make_token(tx, email))
