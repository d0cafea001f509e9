"""Files in the workspace's object storage, and the settings other libraries need to reach it."""

from collections.abc import Iterator, Sequence
from io import IOBase
from typing import Any, BinaryIO
from urllib.parse import quote

from . import settings
from .connection import Connection
from .s3_reader import S3BufferedReader
from .s3_types import Boto3ConnectionSettings, DuckDbConnectionSettings, PolarsConnectionSettings, S3Object
from .syntax import parse_resource_syntax, parse_s3_object
from .transport import encode_path

CHUNK_BYTES = 64 * 1024

S3Reference = S3Object | dict | str


class Storage(Connection):
    """The calls on stored files."""

    def load_s3_file(self, s3object: S3Reference, s3_resource_path: str | None = None) -> bytes:
        """A file's whole content."""
        with self.load_s3_file_reader(s3object, s3_resource_path) as reader:
            return reader.read()

    def load_s3_file_reader(self, s3object: S3Reference, s3_resource_path: str | None = None) -> S3BufferedReader:
        """A file as an open binary stream."""
        path = encode_path(self._at("job_helpers/download_s3_file"), _location(s3object, s3_resource_path))
        return S3BufferedReader(self._transport.stream(path, headers=self.headers, timeout=None))

    def write_s3_file(
        self,
        s3object: S3Reference | None,
        file_content: BinaryIO | bytes,
        s3_resource_path: str | None = None,
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> S3Object:
        """Store bytes or an open binary file and return where; the server picks a key not given."""
        about = {"content_type": content_type, "content_disposition": content_disposition}
        answer = self.post(
            self._at("job_helpers/upload_s3_file"),
            params=_location(s3object, s3_resource_path) | about,
            content=file_content if isinstance(file_content, bytes) else _chunks(file_content),
            headers={"Content-Type": "application/octet-stream"},
            timeout=None,
        ).json()
        return S3Object(s3=answer["file_key"], storage=(parse_s3_object(s3object) or {}).get("storage"))

    def delete_s3_object(self, s3object: S3Reference, s3_resource_path: str | None = None) -> None:
        """Remove a file for good."""
        self.delete(self._at("job_helpers/delete_s3_file"), params=_location(s3object, s3_resource_path))

    def sign_s3_objects(self, s3_objects: Sequence[S3Reference], expiry_secs: int | None = None) -> list[S3Object]:
        """The same objects with a signature that lets anyone read them for `expiry_secs` seconds."""
        body: dict[str, Any] = {"s3_objects": [parse_s3_object(each) for each in s3_objects]}
        if expiry_secs is not None:
            body["expiry_secs"] = expiry_secs
        return [S3Object(each) for each in self.post(self._at("apps/sign_s3_objects"), json=body).json()]

    def sign_s3_object(self, s3_object: S3Reference, expiry_secs: int | None = None) -> S3Object:
        """The same object with a signature; see `sign_s3_objects`."""
        return self.sign_s3_objects([s3_object], expiry_secs)[0]

    def get_presigned_s3_public_urls(
        self, s3_objects: Sequence[S3Reference], base_url: str | None = None, expiry_secs: int | None = None
    ) -> list[str]:
        """Links that let anyone read the files for `expiry_secs` seconds; unsigned ones are signed first."""
        objects = [parse_s3_object(each) or S3Object() for each in s3_objects]
        unsigned = [each for each in objects if not each.get("presigned")]
        signed = iter(self.sign_s3_objects(unsigned, expiry_secs) if unsigned else [])
        root = f"{base_url or settings.public_base_url()}/api{self._at('s3_proxy')}"
        return [_public_url(root, each if each.get("presigned") else next(signed)) for each in objects]

    def get_presigned_s3_public_url(
        self, s3_object: S3Reference, base_url: str | None = None, expiry_secs: int | None = None
    ) -> str:
        """A link that lets anyone read the file; see `get_presigned_s3_public_urls`."""
        return self.get_presigned_s3_public_urls([s3_object], base_url, expiry_secs)[0]

    def get_duckdb_connection_settings(self, s3_resource_path: str = "") -> DuckDbConnectionSettings:
        """Statements that connect DuckDB to the workspace storage or to an S3 resource."""
        found = self._connection_settings("duckdb_connection_settings", s3_resource_path)
        return DuckDbConnectionSettings({"s3_bucket": None, **found})

    def get_polars_connection_settings(self, s3_resource_path: str = "") -> PolarsConnectionSettings:
        """What Polars needs to reach the workspace storage or an S3 resource."""
        found = self._connection_settings("polars_connection_settings", s3_resource_path)
        return PolarsConnectionSettings({"s3_bucket": None, **found})

    def get_boto3_connection_settings(self, s3_resource_path: str = "") -> Boto3ConnectionSettings:
        """Keyword arguments with which boto3 reaches the workspace storage or an S3 resource."""
        found = self._connection_settings("s3_resource_info", s3_resource_path)
        host = f"{found['endPoint']}:{found['port']}" if found.get("port") else found["endPoint"]
        session = {"aws_session_token": found["token"]} if found.get("token") else {}
        return Boto3ConnectionSettings(
            endpoint_url=f"{'https' if found['useSSL'] else 'http'}://{host}",
            region_name=found["region"],
            use_ssl=found["useSSL"],
            aws_access_key_id=found["accessKey"],
            aws_secret_access_key=found["secretKey"],
            **session,
        )

    def _connection_settings(self, kind: str, s3_resource_path: str) -> dict:
        path = parse_resource_syntax(s3_resource_path) or s3_resource_path
        body = {"s3_resource_path": path} if path else {}
        return self.post(self._at(f"job_helpers/v2/{kind}"), json=body).json()


def _location(s3object: S3Reference | None, s3_resource_path: str | None) -> dict[str, str | None]:
    found = parse_s3_object(s3object) or {}
    return {
        "file_key": found.get("s3") or None,
        "s3_resource_path": s3_resource_path or None,
        "storage": found.get("storage"),
    }


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    if not isinstance(file, IOBase):
        raise TypeError(f"file_content must be bytes or an open binary file, not {type(file).__name__}")
    return iter(lambda: file.read(CHUNK_BYTES), b"")


def _public_url(root: str, s3object: S3Object) -> str:
    storage = s3object.get("storage") or "_default_"
    return f"{root}/{storage}/{quote(s3object['s3'])}?{s3object['presigned']}"
