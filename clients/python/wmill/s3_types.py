"""Dictionaries with known keys that also answer as attributes: file references and connection settings."""

from typing import Any


class Record(dict):
    """A dict whose keys can be read as attributes."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        # hasattr, copy and pickle take only this error for "absent".
        raise AttributeError(name)


class S3Object(Record):
    """A stored file: its key `s3`, its `storage` when not the default, `presigned` when signed."""

    s3: str
    storage: str | None
    presigned: str | None


class S3FsClientKwargs(Record):
    """The part of S3FsArgs that names the region."""

    region_name: str


class S3FsArgs(Record):
    """Arguments of s3fs.S3FileSystem."""

    endpoint_url: str
    key: str
    secret: str
    use_ssl: bool
    cache_regions: bool
    client_kwargs: S3FsClientKwargs


class StorageOptions(Record):
    """Polars' `storage_options`."""

    aws_endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_region: str
    aws_allow_http: str


class PolarsConnectionSettings(Record):
    """What Polars needs to read and write the storage."""

    s3fs_args: S3FsArgs
    storage_options: StorageOptions
    s3_bucket: str | None


class Boto3ConnectionSettings(Record):
    """Keyword arguments of boto3.client("s3", …)."""

    endpoint_url: str
    region_name: str
    use_ssl: bool
    aws_access_key_id: str
    aws_secret_access_key: str
    aws_session_token: str | None


class DuckDbConnectionSettings(Record):
    """Statements that connect DuckDB to the storage."""

    connection_settings_str: str
    s3_bucket: str | None
