from typing import Literal, Optional

import wmill

CORE_TYPES = ("postgresql", "mysql", "mongodb", "s3", "smtp", "slack", "http")


def main(
    action: Literal["list", "get", "create", "update", "delete"] = "list",
    resource_path: Optional[str] = None,
    resource_type: Optional[str] = None,
    resource_value: Optional[dict] = None,
    description: Optional[str] = None,
):
    """Manage the resources of this workspace.

    Args:
        action: What to do
        resource_path: Which resource, such as f/examples/api_credentials; not needed to list
        resource_type: Its type, to create it
        resource_value: Its value, to create or update it
        description: What it is for
    """
    if action == "list":
        return list_all()
    require(resource_path=resource_path)
    if action == "get":
        return get(resource_path)
    if action == "create":
        require(resource_type=resource_type, resource_value=resource_value)
        warn_of_unknown_type(resource_type)
        wmill.create_resource(
            path=resource_path, resource_type=resource_type, value=resource_value, description=description or ""
        )
    elif action == "update":
        require(resource_value=resource_value)
        wmill.update_resource(path=resource_path, value=resource_value, description=description)
    elif action == "delete":
        wmill.delete_resource(path=resource_path)
    else:
        raise ValueError(f"Unknown action: {action}")
    return {"action": f"{action.removesuffix('e')}ed", "path": resource_path, "success": True}


def list_all() -> dict:
    fields = ("path", "resource_type", "description")
    resources = [{field: each.get(field) for field in fields} for each in wmill.list_resources()]
    return {"total": len(resources), "resources": resources}


def get(path: str) -> dict:
    value = wmill.get_resource(path, none_if_undefined=True)
    return {"path": path, "found": value is not None, "value": value}


def warn_of_unknown_type(name: str) -> None:
    if name not in CORE_TYPES and not name.startswith(("c_", "c/")):
        print(f"Warning: unknown resource type {name!r}")


def require(**arguments) -> None:
    missing = [name for name, value in arguments.items() if not value]
    if missing:
        raise ValueError(f"{' and '.join(missing)} required for this action")
