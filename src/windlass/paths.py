"""Item paths: `u/<user>/…`, `f/<folder>/…` and the legacy `g/<group>/…`. Parse, validate, compare."""

import re

from windlass.errors import BadRequest

ITEM_PATH = re.compile(r"[ufg](/[\w-]+){2,}", re.ASCII)
NAME = re.compile(r"[\w-]{1,50}", re.ASCII)
WORKSPACE_ID = re.compile(r"[a-z0-9_-]{2,50}")
MAX_LENGTH = 255


def check(path: str) -> str:
    """Return the path if it is a well-formed item path, else raise BadRequest with the rule."""
    if len(path) > MAX_LENGTH or not ITEM_PATH.fullmatch(path):
        raise BadRequest(
            f"path {path[:80]!r} is not valid: use u/<user>/<name> or f/<folder>/<name> with letters, digits, _ and -"
        )
    return path


def check_name(name: str, what: str) -> str:
    """Return a folder, group or user name if it is well formed."""
    if not NAME.fullmatch(name):
        raise BadRequest(f"{what} name {name[:60]!r} is not valid: letters, digits, _ and - only, at most 50")
    return name


def check_workspace(workspace: str) -> str:
    """Return a workspace id if it is well formed."""
    if not WORKSPACE_ID.fullmatch(workspace):
        raise BadRequest("workspace id must be 2 to 50 lower-case letters, digits, - or _")
    return workspace


def owner(path: str) -> str:
    """The first two parts, which decide who may see and change the item: `f/team/x/y` -> `f/team`."""
    return "/".join(path.split("/", 2)[:2])
