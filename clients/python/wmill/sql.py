"""SQL from a script: data tables (PostgreSQL) and ducklakes (DuckDB).

A query runs as source text through `run_inline_script_preview`; comment lines at its head declare the
arguments.
"""

# A script sends its own SQL under its own rights: values are bound, the rest is its author's.
# ruff: noqa: S608

import re
from collections.abc import Callable
from typing import Any

from .jobs import Jobs

_ROLE = re.compile(r"[A-Za-z0-9_-]{1,63}")

# Checked in this order: a bool is also an int.
_SQL_TYPES = ((bool, "BOOLEAN"), (int, "BIGINT"), (float, "FLOAT8"), ((dict, list), "JSON"))


class SqlQuery:
    """A query that has not run yet; each call below runs it once."""

    def __init__(self, sql: str, fetch_fn: Callable[[str], Any]) -> None:
        self.sql, self.fetch_fn = sql, fetch_fn

    def fetch(self, result_collection: str | None = None) -> Any:
        """The rows of the last statement, or what `result_collection` asks for."""
        head = f"-- result_collection={result_collection}\n" if result_collection is not None else ""
        return self.fetch_fn(head + self.sql)

    def fetch_one(self) -> Any:
        """The first row."""
        return self.fetch("last_statement_first_row")

    def fetch_one_scalar(self) -> Any:
        """The first value of the first row."""
        return self.fetch("last_statement_first_row_scalar")

    def execute(self) -> None:
        """Run it for its effect."""
        self.fetch_one()


class DataTableClient:
    """A data table, or one schema of it when the name is `table:schema`."""

    def __init__(self, client: Jobs, name: str, role: str | None = None) -> None:
        if role is not None and not _ROLE.fullmatch(role):
            raise ValueError(f"Not a role name: {role!r}")
        self.client, self.role = client, role
        self.name, self.schema = parse_sql_client_name(name)

    def query(self, sql: str, *args: Any) -> SqlQuery:
        """A query whose $1, $2 … stand for the arguments."""
        named = {f"arg{number}": value for number, value in enumerate(args, 1)}
        # The role comes first: the server stops looking for it at the first line of SQL.
        head = [f"-- role {self.role}"] if self.role else []
        head += [f"-- ${n} arg{n} ({infer_sql_type(value)})" for n, value in enumerate(args, 1)]
        if self.schema is not None:
            head.append(f"SET search_path TO {_quoted(self.schema)};")
        arguments = {"database": f"datatable://{self.name}", **named}
        return SqlQuery(
            "\n".join([*head, sql]),
            lambda text: self.client.run_inline_script_preview(text, "postgresql", arguments),
        )


class DucklakeClient:
    """A ducklake."""

    def __init__(self, client: Jobs, name: str) -> None:
        self.client, self.name = client, name

    def query(self, sql: str, **kwargs: Any) -> SqlQuery:
        """A query whose $name stands for the argument of that name."""
        head = [f"-- ${name} ({infer_sql_type(value)})" for name, value in kwargs.items()]
        head.append(f"ATTACH 'ducklake://{self.name}' AS dl;USE dl;")
        return SqlQuery(
            "\n".join([*head, sql]),
            lambda text: self.client.run_inline_script_preview(text, "duckdb", kwargs),
        )

    def upsert_partition(
        self,
        table: str,
        select_sql: str,
        partition: str | None = None,
        unique_key: str | None = None,
        partition_col: str = "_wm_partition",
        schema: str | None = None,
    ) -> SqlQuery:
        """Put the rows of a query into a table, or into one partition of it; repeating it changes nothing.

        With `unique_key` rows with the same key are replaced, without it the whole table or partition is.
        """
        target, source = _table(table, schema), _source(select_sql, partition, partition_col)
        if partition is None and unique_key is None:
            return self.query(f"CREATE OR REPLACE TABLE {target} AS {source};")
        conditions = [f"{partition_col} = $_wm_partition"] if partition is not None else []
        conditions += [f"{unique_key} IN (SELECT {unique_key} FROM ({select_sql}))"] if unique_key else []
        statements = [
            *_ensure_table(target, select_sql, partition, partition_col),
            "BEGIN TRANSACTION;",
            f"DELETE FROM {target} WHERE {' AND '.join(conditions)};",
            f"INSERT INTO {target} {source};",
            "COMMIT;",
        ]
        return self.query("\n".join(statements), **_bound(partition))

    def append_partition(
        self,
        table: str,
        select_sql: str,
        partition: str | None = None,
        partition_col: str = "_wm_partition",
        schema: str | None = None,
    ) -> SqlQuery:
        """Add the rows of a query to a table, or to one partition of it; running it again adds them again."""
        target, source = _table(table, schema), _source(select_sql, partition, partition_col)
        statements = [
            *_ensure_table(target, select_sql, partition, partition_col),
            f"INSERT INTO {target} {source};",
        ]
        return self.query("\n".join(statements), **_bound(partition))

    def read(
        self,
        table: str,
        partition: str | None = None,
        partition_col: str = "_wm_partition",
        schema: str | None = None,
    ) -> SqlQuery:
        """The rows of a table, or of one partition of it."""
        where = "" if partition is None else f" WHERE {partition_col} = $_wm_partition"
        return self.query(f"SELECT * FROM {_table(table, schema)}{where}", **_bound(partition))


def parse_sql_client_name(name: str) -> tuple[str, str | None]:
    """`name` or `name:schema` in two parts; an empty name is `main`."""
    name, colon, schema = name.partition(":")
    return name or "main", schema if colon else None


def infer_sql_type(value: Any) -> str:
    """The type under which a value is declared: one that PostgreSQL and DuckDB both know."""
    return next((sql for kinds, sql in _SQL_TYPES if isinstance(value, kinds)), "TEXT")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _table(table: str, schema: str | None) -> str:
    return f"dl.{_quoted(schema)}.{_quoted(table)}" if schema else f"dl.{table}"


def _bound(partition: str | None) -> dict[str, str]:
    return {} if partition is None else {"_wm_partition": partition}


def _source(select_sql: str, partition: str | None, partition_col: str) -> str:
    extra = "" if partition is None else f", $_wm_partition AS {partition_col}"
    return f"SELECT *{extra} FROM ({select_sql})"


def _ensure_table(target: str, select_sql: str, partition: str | None, partition_col: str) -> list[str]:
    extra = "" if partition is None else f", CAST(NULL AS VARCHAR) AS {partition_col}"
    create = f"CREATE TABLE IF NOT EXISTS {target} AS SELECT *{extra} FROM ({select_sql}) WHERE false;"
    split = [] if partition is None else [f"ALTER TABLE {target} SET PARTITIONED BY ({partition_col});"]
    return [create, *split]
