"""Variables, resources and the state that a script keeps between its runs."""

from typing import Any

from . import settings
from .connection import Connection
from .errors import NotFound, WindmillError
from .syntax import parse_resource_syntax, parse_variable_syntax
from .texts import open_text

_ALIASES = {"database": "dbname", "dbname": "database"}


class Resource(dict):
    """A resource's value, in which `database` and `dbname` answer for each other.

    Drivers and samples disagree on that one name. `**resource` and loops pass only the real keys.
    """

    def __missing__(self, key: str) -> Any:
        other = _ALIASES.get(key)
        if other is None or other not in self:
            raise KeyError(key)
        return self[other]

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self or _ALIASES.get(key) in self else default


class Values(Connection):
    """The calls on what is stored under a path."""

    def get_variable(self, path: str) -> str:
        """A variable's text. When it holds a JSON object or list it also answers as one."""
        path = parse_variable_syntax(path) or path
        if self.mocked_api is not None and path in self.mocked_api["variables"]:
            return self.mocked_api["variables"][path]
        return open_text(self.get(self._at(f"variables/get_value/{path}")).json())

    def set_variable(self, path: str, value: str, is_secret: bool = False) -> None:
        """Write a variable, creating it if need be. `is_secret` counts only when it is created."""
        path = parse_variable_syntax(path) or path
        if self.mocked_api is not None:
            self.mocked_api["variables"][path] = value
        # Only its existence matters, so a secret stays unread.
        elif self._exists(f"variables/get/{path}", decrypt_secret=False):
            self.post(self._at(f"variables/update/{path}"), json={"value": value})
        else:
            body = {"path": path, "value": value, "is_secret": is_secret, "description": ""}
            self.post(self._at("variables/create"), json=body)

    def get_resource(self, path: str, none_if_undefined: bool = False, interpolated: bool = True) -> Any:
        """A resource's value; `interpolated` fills in the variables and resources it refers to.

        NotFound when there is none, or None with `none_if_undefined`.
        """
        value = self._resource_value(parse_resource_syntax(path) or path, none_if_undefined, interpolated)
        return Resource(value) if isinstance(value, dict) else value

    def _resource_value(self, path: str, none_if_undefined: bool, interpolated: bool) -> Any:
        if self.mocked_api is not None and (none_if_undefined or path in self.mocked_api["resources"]):
            return self.mocked_api["resources"].get(path)
        kind = "get_value_interpolated" if interpolated else "get_value"
        try:
            return self.get(self._at(f"resources/{kind}/{path}")).json()
        except NotFound:
            if none_if_undefined:
                return None
            raise

    def set_resource(self, value: Any, path: str, resource_type: str) -> None:
        """Write a resource's value, creating it if need be. The type counts only then."""
        path = parse_resource_syntax(path) or path
        if self.mocked_api is not None:
            self.mocked_api["resources"][path] = value
        elif self._exists(f"resources/get/{path}"):
            self.post(self._at(f"resources/update_value/{path}"), json={"value": value})
        else:
            body = {"path": path, "value": value, "resource_type": resource_type}
            self.post(self._at("resources/create"), json=body)

    def list_resources(
        self, resource_type: str | None = None, page: int | None = None, per_page: int | None = None
    ) -> list[dict]:
        """The resources the token may see, each with path, resource_type and description."""
        params = {"resource_type": resource_type, "page": page, "per_page": per_page}
        return self.get(self._at("resources/list"), params=params).json()

    def create_resource(self, path: str, resource_type: str, value: Any, description: str = "") -> None:
        """Add a resource; ApiError when the path is taken."""
        body = {"path": path, "resource_type": resource_type, "value": value, "description": description}
        self.post(self._at("resources/create"), json=body)

    def update_resource(self, path: str, value: Any, description: str | None = None) -> None:
        """Replace a resource's value, and its description when one is given; NotFound when there is none."""
        body = {"value": value} if description is None else {"value": value, "description": description}
        self.post(self._at(f"resources/update/{parse_resource_syntax(path) or path}"), json=body)

    def delete_resource(self, path: str) -> None:
        """Remove a resource; NotFound when there is none."""
        self.delete(self._at(f"resources/delete/{parse_resource_syntax(path) or path}"))

    @property
    def state_path(self) -> str:
        """Path of the resource that keeps this script's state."""
        path = settings.state_path()
        if path is None:
            raise WindmillError("No state path: WM_STATE_PATH is set only inside a job")
        return path

    def get_state(self, path: str | None = None) -> Any:
        """What an earlier run of this script kept, or None."""
        return self._resource_value(path or self.state_path, none_if_undefined=True, interpolated=True)

    def set_state(self, value: Any, path: str | None = None) -> None:
        """Keep a JSON value for later runs of this script, at once: it stays even if this run fails."""
        self.set_resource(value, path=path or self.state_path, resource_type="state")

    @property
    def state(self) -> Any:
        return self.get_state()

    @state.setter
    def state(self, value: Any) -> None:
        self.set_state(value)

    def _exists(self, endpoint: str, **params: Any) -> bool:
        response = self.get(self._at(endpoint), raise_for_status=False, params=params)
        return response.status_code != 404 and bool(response.raise_for_status())
