"""Log in and out. The session is a token in a cookie that other sites can neither read nor send."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from fastapi import Request, Response
from pydantic import BaseModel, Field

from windlass.api.access import COOKIE, Routes, client_address, presented_token
from windlass.api.responses import json, text
from windlass.api.state import App
from windlass.audit import log as audit
from windlass.auth import tokens
from windlass.auth.permissions import Principal
from windlass.auth.providers import password
from windlass.settings import Settings
from windlass.workspaces.service import acting, username_for

routes = Routes("auth")

FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Login(BaseModel):
    """Who logs in."""

    email: str = Field(max_length=320)
    password: str = Field(max_length=1000)


@routes.post("/auth/login", None, anonymous=True)
async def login(body: Login, request: Request) -> Response:
    """A new session: its token as text and as a cookie."""
    app: App = request.app.state.windlass
    email = await password.log_in(
        app.database, email=body.email, password=body.password,
        address=client_address(request), is_local=is_local(request, app.settings),
    )  # fmt: skip
    return _with_cookie(text(await _open_session(app, email)), app.settings)


@routes.post("/auth/logout", None, anonymous=True)
async def logout(request: Request) -> Response:
    """End the session and take the cookie back."""
    app: App = request.app.state.windlass
    token, _ = presented_token(request)
    if token is not None:
        async with app.database.system() as tx:
            await tokens.delete_session(tx, token)
        app.identities.forget()
    response = text("logged out")
    response.delete_cookie(COOKIE, domain=app.settings.cookie_domain, httponly=True, samesite="strict")
    return response


@routes.get("/auth/is_password_login_disabled", None, anonymous=True)
async def is_password_login_disabled() -> Response:
    """Whether only other ways to log in are open; the password is the only way there is."""
    return json(False)


@routes.get("/auth/is_smtp_configured", None, anonymous=True)
async def is_smtp_configured() -> Response:
    """Whether this instance can send mail; it cannot."""
    return json(False)


def is_local(request: Request, settings: Settings) -> bool:
    """Whether a person at this machine asks: loopback on both ends, no sign of a proxy, and by the machine's own name;
    a page from elsewhere whose name was made to lead here has its browser say that name.
    """
    if not settings.is_loopback or any(name in FORWARDED for name in request.headers):
        return False
    if request.url.hostname not in LOCAL_NAMES:
        return False
    try:
        return ip_address(client_address(request)).is_loopback
    except ValueError:
        return False


async def _open_session(app: App, email: str) -> str:
    life = timedelta(seconds=app.settings.max_session_validity_seconds)
    async with app.database.system() as tx:
        principal = Principal(email=email, username=username_for(email), role="none")
        await audit.record(acting(tx, principal), "users.login", "Execute", email)
        return await tokens.create(
            tx, email=email, label="session", expiration=datetime.now(UTC) + life,
            scopes=None, workspace=None, kind="session",
        )  # fmt: skip


def _with_cookie(response: Response, settings: Settings) -> Response:
    response.set_cookie(
        COOKIE, bytes(response.body).decode(), max_age=settings.max_session_validity_seconds,
        domain=settings.cookie_domain, secure=settings.public_url.startswith("https:"),
        httponly=True, samesite="strict",
    )  # fmt: skip
    return response
