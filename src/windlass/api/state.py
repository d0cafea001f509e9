"""What every handler may need of the running process, built once by `app.py`."""

from dataclasses import dataclass

from windlass.auth.identity import Identities
from windlass.db.listen import Listener
from windlass.db.pool import Database
from windlass.jobs.submit import Submissions
from windlass.jobs.wait import Outcomes
from windlass.settings import Settings


@dataclass(kw_only=True)
class App:
    """The shared parts of one server process."""

    settings: Settings
    database: Database
    listener: Listener
    identities: Identities
    submissions: Submissions
    outcomes: Outcomes
