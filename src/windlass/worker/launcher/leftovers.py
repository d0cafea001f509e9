"""Files that a job leaves outside its folder. Called by `supervisor` once no process of the job is alive."""

import os


def remove(folder: str, uid: int) -> None:
    """Remove what `uid` owns directly in `folder`, with all below it, while others come and go there."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if _owner(entry) == uid:
                _remove(entry)


def _owner(entry: "os.DirEntry[str]") -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except FileNotFoundError:
        return None


def _remove(entry: "os.DirEntry[str]") -> None:
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry)
        return
    with os.scandir(entry) as entries:
        for inner in entries:
            _remove(inner)
    os.rmdir(entry)
