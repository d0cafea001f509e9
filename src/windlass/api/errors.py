"""One table from exception to status. Error bodies are plain sentences, because the protocol's clients print them."""

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from windlass import errors
from windlass.telemetry import get_logger

log = get_logger("api")

STATUS: dict[type[errors.WindlassError], int] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PayloadTooLarge: 413,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(errors.WindlassError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(asyncpg.DataError, _unstorable)
    app.add_exception_handler(asyncpg.ProgramLimitExceededError, _unstorable)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


def answer(error: errors.WindlassError) -> Response:
    """The response for an expected error."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    headers = {}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(int(retry_after))
    return PlainTextResponse(str(error), status, headers)


async def _expected(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.WindlassError)
    return answer(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    lines = [f"{'.'.join(str(part) for part in item['loc'] if part != 'body') or 'body'}: {item['msg']}"
             for item in error.errors()]  # fmt: skip
    return PlainTextResponse("; ".join(lines), 400)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(str(error.detail), error.status_code, error.headers)


async def _unstorable(request: Request, error: Exception) -> Response:
    log.warning("unstorable value", method=request.method, path=request.url.path, exc_info=error)
    return PlainTextResponse(
        "a value cannot be stored: it holds a NUL or half a character, or is too large or too long", 400
    )


async def _gone(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("the client left before its request was whole", 400)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error", method=request.method, path=request.url.path, exc_info=error)
    return PlainTextResponse("internal error; the server's log has the details", 500)
