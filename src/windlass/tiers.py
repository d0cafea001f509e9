"""The tiers of the sandbox: which there are, and which of two is the better. Called by the launcher, by the claim of
jobs and by the settings of a worker and of a workspace.

Standard library only: the fork server imports this.
"""

import os
from collections.abc import Iterable

ROOT, USER, NO_PROC_TIER, POLICY, NONE = "A-root", "A", "A-noproc", "B", "0"
"""Namespaces by root's right; in a user namespace; the same without /proc; no namespaces; no sandbox."""

SECOND_KERNEL = "S"
"""Any of them, on a machine that the operator says has a kernel of its own."""

NAMESPACED = frozenset({ROOT, USER, NO_PROC_TIER})
USER_NAMESPACED = frozenset({USER, NO_PROC_TIER})
NO_PROC = frozenset({NO_PROC_TIER})

LADDER = (ROOT, USER, NO_PROC_TIER, POLICY)
"""What a worker tries, best first."""

# The database knows these numbers.
_RANKS = {NONE: 0, POLICY: 1, NO_PROC_TIER: 2, USER: 3, ROOT: 3, SECOND_KERNEL: 4}


def attainable(ladder: Iterable[str] = LADDER) -> tuple[str, ...]:
    """The tiers of a ladder that this process may try: namespaces by root's right take root."""
    return tuple(tier for tier in ladder if tier != ROOT or os.geteuid() == 0)


def rank(tier: str) -> int:
    """The greater, the stronger. Raises KeyError for no tier."""
    return _RANKS[tier]


def weakest_of(rank: int) -> str:
    """The first tier of a rank, to name what a rank asks for."""
    return next(tier for tier, known in _RANKS.items() if known == rank)
