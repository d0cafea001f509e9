"""Files that a job leaves outside its folder. Called by `supervisor` once no process of the job is alive.

Jobs of other users may be at work in the same place, so nothing is reached by more than one name from an open folder:
no name can be made to lead elsewhere, and no depth is too deep.
"""

import os
from collections.abc import Iterator

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(folder: str, uid: int) -> None:
    """Remove what `uid` owns directly in `folder`, with all below it. What cannot be removed stays."""
    place = os.open(folder, _OPEN_FOLDER)
    try:
        names = [name for name in os.listdir(place) if _owner(name, place) == uid]
        while names:
            names += _remove(names.pop(), place)
    finally:
        os.close(place)


def remove_all(folder: str, known: set[str]) -> None:
    """Remove everything directly in `folder` but the names in `known`, with all below it. What cannot be stays."""
    place = os.open(folder, _OPEN_FOLDER)
    try:
        names = [name for name in os.listdir(place) if name not in known]
        while names:
            names += _remove(names.pop(), place)
    finally:
        os.close(place)


def _owner(name: str, place: int) -> int | None:
    try:
        return os.stat(name, dir_fd=place, follow_symlinks=False).st_uid
    except FileNotFoundError:
        return None


def _remove(name: str, place: int) -> list[str]:
    """Remove an entry; the folders that were in it now stand beside it, under the names given back."""
    try:
        os.unlink(name, dir_fd=place)
    except IsADirectoryError:
        return _empty(name, place)
    except OSError:
        return []
    return []


def _empty(name: str, place: int) -> list[str]:
    try:
        inner = os.open(name, _OPEN_FOLDER, dir_fd=place)
    except OSError:
        return []
    try:
        lifted = list(_lift_folders(inner, place))
    finally:
        os.close(inner)
    try:
        os.rmdir(name, dir_fd=place)
    except OSError:
        return lifted
    return lifted


def _lift_folders(inner: int, place: int) -> Iterator[str]:
    for name in os.listdir(inner):
        lifted = f".windlass-{os.urandom(16).hex()}"
        try:
            os.unlink(name, dir_fd=inner)
        except IsADirectoryError:
            try:
                os.rename(name, lifted, src_dir_fd=inner, dst_dir_fd=place)
            except OSError:
                continue
            yield lifted
        except OSError:
            continue
