"""The application knows the access of each of its routes."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from windlass.api import access
from windlass.api.access import Routes
from windlass.api.routes import ALL
from windlass.auth.permissions import Capability
from windlass.errors import Misconfigured


def test_every_route_has_a_declaration():
    app = FastAPI()
    access.mount(app, ALL, "/api")
    access.check_declared(app)
    mounted = [route for route in app.router.routes if hasattr(route, "access")]
    assert len(mounted) == sum(len(routes.declared) for routes in ALL)


def test_an_undeclared_route_stops_the_start():
    app = FastAPI()
    access.mount(app, ALL, "/api")
    app.get("/api/secret")(lambda: None)
    with pytest.raises(Misconfigured, match="/api/secret"):
        access.check_declared(app)


def test_a_route_is_anonymous_only_when_it_says_so():
    with pytest.raises(Misconfigured, match="capability"):
        Routes("x").get("/x", None)
    with pytest.raises(Misconfigured, match="capability"):
        Routes("x").get("/x", Capability.ACCOUNT, anonymous=True)


def test_only_these_routes_are_open_to_nobody_in_particular():
    anonymous = {item.path for routes in ALL for item in routes.declared if item.access.anonymous}
    assert anonymous <= {
        "/auth/login", "/auth/logout", "/auth/is_password_login_disabled", "/auth/is_smtp_configured",
        "/version", "/health/status", "/ready", "/docs/list", "/docs/page/{name:path}",
    }  # fmt: skip


def test_no_two_routes_share_a_method_and_path():
    pairs = [(item.method, item.path) for routes in ALL for item in routes.declared]
    assert len(pairs) == len(set(pairs))


def test_no_route_reaches_sql():
    """Rooms run queries; a route that did would bypass their checks."""
    files = Path(access.__file__).parent.rglob("*.py")
    assert [file.name for file in files if re.search(r"\bqueries\.\w+\(", file.read_text())] == []
