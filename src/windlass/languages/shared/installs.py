"""A folder of installed packages that appears all at once; for every plug-in that keeps one per lock."""

import secrets
import shutil
from pathlib import Path

from windlass.languages.base import InstallPlan


def aside_of(target: Path) -> Path:
    """A new empty folder beside `target`, to fill and then publish."""
    aside = target.with_name(f"{target.name}.{secrets.token_hex(8)}")
    aside.mkdir(parents=True)
    return aside


def publish(plan: InstallPlan) -> None:
    """Rename the filled folder to its place; a second one for the same lock is dropped."""
    if plan.aside is None:
        return
    try:
        plan.aside.rename(plan.target)
    except OSError:
        abandon(plan)
        if not plan.target.is_dir():
            raise


def abandon(plan: InstallPlan) -> None:
    """Drop what an install left aside."""
    if plan.aside is not None:
        shutil.rmtree(plan.aside, ignore_errors=True)
