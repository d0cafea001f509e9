"""One file per domain, each with a `routes` object. `app.py` mounts them in a loop; no other is reachable."""

from windlass.api.access import Routes
from windlass.api.routes import (
    auth,
    docs,
    folders,
    groups,
    instance,
    job_lists,
    jobs,
    resources,
    scripts,
    users,
    variables,
    workspaces,
)

ALL: list[Routes] = [
    auth.routes,
    docs.routes,
    folders.routes,
    groups.routes,
    instance.routes,
    job_lists.routes,
    jobs.routes,
    resources.routes,
    scripts.routes,
    users.routes,
    variables.routes,
    workspaces.routes,
]
