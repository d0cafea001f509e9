"""The whole exception tree. Rooms raise these; `api/errors.py` maps each class to a status, the CLI to an exit code.

WindlassError
├── BadRequest            400  the input is wrong; the message says which field and why
│   └── InvalidArguments  400  arguments that do not fit a runnable's schema
├── Unauthenticated       401  no identity, or one that is no longer valid
├── Forbidden             403  known identity, missing right
├── NotFound              404  no such thing, or none that the caller may know of
├── Conflict              409  the thing exists already, or has moved on
├── PayloadTooLarge       413  the body is over the limit
├── TooManyRequests       429  slow down; `retry_after` in seconds
├── Unavailable           503  a part is away for the moment; `retry_after` in seconds
│   ├── DatabaseUnavailable
│   └── QueueFull
└── Misconfigured         ---  a start-up error; the process exits with the message
    └── HomeInUse
"""


class WindlassError(Exception):
    """Something went wrong that the caller can understand; the message is written for them."""


class BadRequest(WindlassError):
    """The input is wrong; the message says which field and why."""


class InvalidArguments(BadRequest):
    """Arguments that do not fit a runnable's schema."""


class Unauthenticated(WindlassError):
    """No identity, or one that is no longer valid."""


class Forbidden(WindlassError):
    """The identity is known, but it lacks the right."""


class NotFound(WindlassError):
    """No such thing, or none that the caller may know of."""


class Conflict(WindlassError):
    """The thing exists already, or has moved on."""


class PayloadTooLarge(WindlassError):
    """The body is over the limit."""


class TooManyRequests(WindlassError):
    """The caller must slow down."""

    def __init__(self, message: str, retry_after: float = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(WindlassError):
    """A part is away for the moment."""

    retry_after: float = 2


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer."""


class QueueFull(Unavailable):
    """More jobs are waiting than the caller allows."""


class Misconfigured(WindlassError):
    """Start-up cannot go on; the message names the setting and the fix."""


class HomeInUse(Misconfigured):
    """Another Windlass works below the same home."""
