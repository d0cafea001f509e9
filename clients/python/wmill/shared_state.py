"""Files in the folder that the steps of a same-worker flow share."""

import json
import pickle
from pathlib import Path
from typing import Any

SHARED_FOLDER = Path("/shared")


def set_shared_state(value: Any, path: str = "state.json") -> None:
    """Keep a JSON value for the flow's other steps."""
    (SHARED_FOLDER / path).write_text(json.dumps(value, ensure_ascii=False, indent=4), encoding="utf-8")


def get_shared_state(path: str = "state.json") -> Any:
    """The JSON value another step kept."""
    return json.loads((SHARED_FOLDER / path).read_text(encoding="utf-8"))


def set_shared_state_pickle(value: Any, path: str = "state.pickle") -> None:
    """Keep any Python value for the flow's other steps."""
    (SHARED_FOLDER / path).write_bytes(pickle.dumps(value))


def get_shared_state_pickle(path: str = "state.pickle") -> Any:
    """The Python value another step kept."""
    return pickle.loads((SHARED_FOLDER / path).read_bytes())
