"""The client class that scripts may build themselves; `functions` keeps one for those that do not."""

from .flows import Flows
from .jobs import Jobs
from .shared_state import get_shared_state, get_shared_state_pickle, set_shared_state, set_shared_state_pickle
from .sql import DataTableClient, DucklakeClient
from .storage import Storage
from .values import Values


class Windmill(Values, Jobs, Flows, Storage):
    """All calls on one workspace of one server."""

    set_shared_state = staticmethod(set_shared_state)
    get_shared_state = staticmethod(get_shared_state)
    set_shared_state_pickle = staticmethod(set_shared_state_pickle)
    get_shared_state_pickle = staticmethod(get_shared_state_pickle)

    def datatable(self, name: str = "main", *, role: str | None = None) -> DataTableClient:
        """A data table to query, `name` or `name:schema`."""
        return DataTableClient(self, name, role)

    def ducklake(self, name: str = "main") -> DucklakeClient:
        """A ducklake to query."""
        return DucklakeClient(self, name)


Client = Windmill
