"""A workspace on a server: what every group of calls stands on.

`values`, `jobs`, `flows` and `storage` derive from `Connection`; `client.Windmill` is all of them in one.
"""

import json
from collections.abc import Mapping
from typing import Any

from . import settings
from .errors import WindmillError
from .transport import Body, Response, Transport, encode_json, encode_path

TIMEOUT_SECONDS = 900.0
NOT_GIVEN = object()


class Connection:
    """Talks to one workspace with one token. What is not given comes from the job's environment."""

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        workspace: str | None = None,
        verify: Any = True,
    ) -> None:
        self.base_url = _required(base_url or settings.base_url(), "base_url", "BASE_INTERNAL_URL").rstrip("/") + "/api"
        self.workspace = _required(workspace or settings.workspace(), "workspace", "WM_WORKSPACE")
        self.token = token or settings.token()
        self.verify = verify
        self.path = settings.job_path()
        self.mocked_api = self.get_mocked_api()
        self._transport = Transport(self.base_url, verify=verify)

    def get(self, endpoint: str, raise_for_status: bool = True, **options) -> Response:
        """GET below `/api`. Options: params, headers, timeout (seconds)."""
        return self.request("GET", endpoint, raise_for_status, **options)

    def post(self, endpoint: str, raise_for_status: bool = True, **options) -> Response:
        """POST below `/api`. Options: json or content, params, headers, timeout (seconds)."""
        return self.request("POST", endpoint, raise_for_status, **options)

    def put(self, endpoint: str, raise_for_status: bool = True, **options) -> Response:
        """PUT below `/api`, with the options of `post`."""
        return self.request("PUT", endpoint, raise_for_status, **options)

    def delete(self, endpoint: str, raise_for_status: bool = True, **options) -> Response:
        """DELETE below `/api`, with the options of `post`."""
        return self.request("DELETE", endpoint, raise_for_status, **options)

    def request(
        self,
        method: str,
        endpoint: str,
        raise_for_status: bool = True,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = NOT_GIVEN,
        content: Body = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = TIMEOUT_SECONDS,
    ) -> Response:
        """One call; ApiError when the status is 400 or more and `raise_for_status` is left on."""
        response = self._transport.exchange(
            method,
            encode_path(endpoint, params),
            headers={**self.headers, **(headers or {})},
            body=content if json is NOT_GIVEN else encode_json(json),
            timeout=timeout,
        )
        return response.raise_for_status() if raise_for_status else response

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": "application/json", **bearer}

    def get_mocked_api(self) -> dict | None:
        """The stand-in for the server's variables and resources, read from WM_MOCKED_API_FILE, or None."""
        path = settings.mocked_api_file()
        if path is None:
            return None
        with open(path, encoding="utf-8") as file:
            return {"variables": {}, "resources": {}, **json.load(file)}

    def whoami(self) -> dict:
        """The user the token belongs to."""
        return self.get("/users/whoami").json()

    @property
    def user(self) -> dict:
        return self.whoami()

    @property
    def version(self) -> str:
        """The server's version text."""
        return self.get("/version").text

    def username_to_email(self, username: str) -> str:
        """The e-mail address of a user of this workspace."""
        return self.get(self._at(f"users/username_to_email/{username}")).text

    def _at(self, endpoint: str) -> str:
        return f"/w/{self.workspace}/{endpoint}"


def _required(value: str | None, argument: str, variable: str) -> str:
    if not value:
        raise WindmillError(f"No {argument}: give it to the client or set {variable}")
    return value
