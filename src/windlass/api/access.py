"""Who may call what. Every route declares it, and the application does not start with a route that does not.

`Routes` is what the files in `routes/` fill; `enforce` runs before each handler, after routing, and decides by the
route object itself, never by the shape of a path.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute

from windlass.api.state import App
from windlass.auth.permissions import ANY_PATH, Capability, Principal, require
from windlass.db.pool import Transaction
from windlass.errors import Forbidden, Misconfigured, Unauthenticated

COOKIE = "token"
UI_HEADER = "x-windlass-ui"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a route asks of its caller.

    `capability` None goes with `anonymous`. `kind` and a `path` parameter narrow the scope check; `defers_path`
    says that the path is in the body or behind a hash, and that the room makes the narrow check. `acts` marks a GET
    that changes something, so that a cookie alone does not open it.
    """

    capability: Capability | None
    anonymous: bool = False
    kind: str | None = None
    defers_path: bool = False
    acts: bool = False


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One route as its file declares it."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    access: Access
    lean: bool
    options: dict[str, Any]


class Routes:
    """The declared routes of one domain. Decorators: `@routes.get(path, Capability.X)` and so on."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.declared: list[Declaration] = []

    def route(
        self, method: str, path: str, capability: Capability | None, *, anonymous: bool = False,
        kind: str | None = None, defers_path: bool = False, acts: bool = False, lean: bool = False, **options: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
        """Declare a handler. `lean` is for the few that are called again and again: see `lean.py`."""
        if (capability is None) != anonymous:
            raise Misconfigured(f"{method} {path}: a route needs a capability or must say that it is anonymous")
        access = Access(capability=capability, anonymous=anonymous, kind=kind, defers_path=defers_path,
                        acts=acts or method not in SAFE_METHODS)  # fmt: skip

        def declare(endpoint: Callable[..., Any]) -> Callable[..., Any]:
            self.declared.append(
                Declaration(method=method, path=path, endpoint=endpoint, access=access, lean=lean, options=options)
            )
            return endpoint

        return declare

    def get(self, path: str, capability: Capability | None, **options: Any) -> Any:
        """Declare a GET."""
        return self.route("GET", path, capability, **options)

    def post(self, path: str, capability: Capability | None, **options: Any) -> Any:
        """Declare a POST."""
        return self.route("POST", path, capability, **options)

    def delete(self, path: str, capability: Capability | None, **options: Any) -> Any:
        """Declare a DELETE."""
        return self.route("DELETE", path, capability, **options)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The authenticated caller of a request."""

    principal: Principal
    app: App
    address: str
    token: str

    def transaction(self) -> AbstractAsyncContextManager[Transaction[Principal]]:
        """The one way for a handler to reach the database as this caller."""
        return self.app.database.transaction(self.principal)

    async def renewed(self) -> "Caller":
        """The same caller with the rights of this moment, for a handler that has just given them some."""
        principal = await self.app.identities.find(self.token, self.principal.workspace)
        return replace(self, principal=principal)


def mount(app: FastAPI, every: list[Routes], prefix: str) -> None:
    """Add declared routes to the application, those first that are called again and again, because the router asks one
    after another; the access of each is kept on the route object.
    """
    declared = [(item, routes.tag) for routes in every for item in routes.declared]
    for item, tag in sorted(declared, key=lambda pair: not pair[0].lean):
        options: dict[str, Any] = {"response_model": None} | item.options
        app.router.add_api_route(
            prefix + item.path, item.endpoint, methods=[item.method], tags=[tag],
            dependencies=[Depends(enforce)], operation_id=f"{tag}_{item.endpoint.__name__}",
            **options,
        )  # fmt: skip
        vars(app.router.routes[-1]).update(access=item.access, lean=item.lean)


def check_declared(app: FastAPI) -> None:
    """Raise Misconfigured when the application has a route without a declaration."""
    bare = [route.path for route in app.router.routes if isinstance(route, APIRoute) and not hasattr(route, "access")]
    if bare:
        raise Misconfigured(f"routes without declared access: {', '.join(bare)}")


async def enforce(request: Request) -> Caller | None:
    """Identify the caller and check the route's declaration. None only on anonymous routes without a token."""
    return await _admit(request, may_recall=False)


async def recall(request: Request) -> Caller | None:
    """The same, but the principal may be one of a moment ago, which is good enough to say yes."""
    return await _admit(request, may_recall=True)


async def _admit(request: Request, *, may_recall: bool) -> Caller | None:
    access: Access = request.scope["route"].access
    token, by_cookie = presented_token(request)
    if token is None:
        if access.anonymous:
            return None
        raise Unauthenticated("send a token: Authorization: Bearer <token>")
    if by_cookie and access.acts:
        _refuse_cross_site(request)
    if access.anonymous:
        return None
    app: App = request.app.state.windlass
    workspace = request.path_params.get("workspace")
    identify = app.identities.recall if may_recall else app.identities.find
    principal = await identify(token, workspace)
    _authorize(principal, access, request)
    return Caller(principal=principal, app=app, address=client_address(request), token=token)


def _authorize(principal: Principal, access: Access, request: Request) -> None:
    assert access.capability is not None
    path = ANY_PATH if access.defers_path else request.path_params.get("path")
    require(principal, access.capability, path=path, kind=access.kind)
    if principal.read_only and access.acts:
        raise Forbidden("this token is read-only")


def presented_token(request: Request) -> tuple[str | None, bool]:
    """The token of a request (header, query, cookie, in this order) and whether it came by cookie."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip(), False
    if "token" in request.query_params:
        return request.query_params["token"], False
    return request.cookies.get(COOKIE), True


def client_address(request: Request) -> str:
    """The peer's address; headers that anybody can send are not believed."""
    return request.client.host if request.client else "unknown"


def _refuse_cross_site(request: Request) -> None:
    """A cookie may act only for our own pages, or for a client that is no browser."""
    if UI_HEADER in request.headers:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    same_origin = origin is not None and origin.split("://")[-1] == request.headers.get("host")
    if (site is None and origin is None) or site == "same-origin" or (site is None and same_origin):
        return
    raise Forbidden("a cookie is not enough for this call from another site; send a token")


def _required(caller: Annotated[Caller | None, Depends(enforce)]) -> Caller:
    if caller is None:
        raise Unauthenticated("send a token: Authorization: Bearer <token>")
    return caller


Actor = Annotated[Caller, Depends(_required)]
