"""What can go wrong, for scripts that catch it.

WindmillError
├── ApiError      the server answered 400 or more
│   └── NotFound  it answered 404
├── Unreachable   no answer came
└── JobFailed     a job that was waited for ended in failure
"""


class WindmillError(Exception):
    """Anything the wmill module reports."""


class ApiError(WindmillError):
    """The server refused a call; `body` is its own sentence."""

    def __init__(self, *, status: int, method: str, path: str, body: str) -> None:
        super().__init__(f"{method} {path}: {status}, {body}")
        self.status, self.method, self.path, self.body = status, method, path, body


class NotFound(ApiError):
    """The server knows nothing under that path, or nothing the token may see."""


class Unreachable(WindmillError, ConnectionError):
    """The server could not be reached or hung up before it answered."""


class JobFailed(WindmillError):
    """A job ended in failure; `error` is what it reported, usually {name, message, stack}."""

    def __init__(self, *, job_id: str, error: object) -> None:
        super().__init__(f"Job {job_id} was not successful: {error}")
        self.job_id, self.error = job_id, error
