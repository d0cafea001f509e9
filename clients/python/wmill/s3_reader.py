"""A stored file read as it arrives, for files larger than the memory."""

import io
from http.client import HTTPResponse


class S3BufferedReader(io.BufferedReader):
    """An open file of the workspace storage; close it, or use it in a `with`."""

    def __init__(self, answer: HTTPResponse) -> None:
        super().__init__(answer)  # pyright: ignore[reportArgumentType]
