"""Serves the routes that are called again and again without the framework's work for each request.

The declared handler is the same, and so are its documentation and its access. Only the way to its parameters is
shorter, and the caller may be one whom this process has identified a moment ago; a refusal by such a memory is not
believed, but decided anew. Called by `app.py`.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response, params
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.routing import request_response

from windlass.api import access
from windlass.api.access import Caller
from windlass.errors import Forbidden, Misconfigured, NotFound, Unauthenticated

Handler = Callable[..., Awaitable[Response]]
Source = Callable[[Request], Awaitable[Any]]
Gate = Callable[[Request], Awaitable[Caller | None]]


def install(app: FastAPI) -> None:
    """Take over the routes that are declared lean. Misconfigured for a parameter that this cannot supply."""
    for route in app.router.routes:
        if getattr(route, "lean", False):
            vars(route)["app"] = request_response(_served(vars(route)["endpoint"]))


def _served(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    parameters = inspect.signature(handler).parameters.values()
    sources = {parameter.name: _source(parameter) for parameter in parameters if parameter.name != "actor"}

    async def attempt(request: Request, gate: Gate) -> Response:
        caller = await gate(request)
        return await handler(actor=caller, **{name: await source(request) for name, source in sources.items()})

    async def serve(request: Request) -> Response:
        try:
            return await attempt(request, access.recall)
        except (Unauthenticated, Forbidden, NotFound):
            return await attempt(request, access.enforce)

    return serve


def _source(parameter: inspect.Parameter) -> Source:
    """Where a parameter of a handler comes from, by its annotation."""
    kind = getattr(parameter.annotation, "__origin__", parameter.annotation)
    marker = next(iter(getattr(parameter.annotation, "__metadata__", ())), None)
    if kind is Request:
        return _itself
    if isinstance(marker, params.Header) and marker.alias is not None:
        return _header(marker.alias)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _query(kind) if isinstance(marker, params.Query) else _body(kind)
    if kind is str:
        return _path(parameter.name)
    raise Misconfigured(f"a lean route cannot supply {parameter}")


async def _itself(request: Request) -> Request:
    return request


def _path(name: str) -> Source:
    async def source(request: Request) -> str:
        return request.path_params[name]

    return source


def _header(name: str) -> Source:
    async def source(request: Request) -> str | None:
        return request.headers.get(name)

    return source


def _query(model: type[BaseModel]) -> Source:
    defaults = model()

    async def source(request: Request) -> BaseModel:
        if not request.scope["query_string"]:
            return defaults
        try:
            return model.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise _refused(error, "query") from error

    return source


def _body(model: type[BaseModel]) -> Source:
    async def source(request: Request) -> BaseModel:
        try:
            return model.model_validate_json(await request.body())
        except ValidationError as error:
            raise _refused(error, "body") from error

    return source


def _refused(error: ValidationError, place: str) -> RequestValidationError:
    return RequestValidationError([{**item, "loc": (place, *item["loc"])} for item in error.errors()])
