from datetime import UTC, datetime
from typing import Optional

import wmill


def main(at: Optional[str] = None):
    """Tell which maintenance windows are open.

    Args:
        at: A time of day in UTC such as 12:15; left empty, now
    """
    at = at or f"{datetime.now(UTC):%H:%M}"
    config = wmill.get_variable("f/examples/maintenance_windows")
    open_now = [window["name"] for window in config.get("windows", []) if window["start"] <= at < window["end"]]
    return {"at": at, "open": open_now, "may_run": bool(open_now)}
