# requirements:
# psycopg2-binary

from contextlib import closing
from typing import TypedDict

import psycopg2
from psycopg2.extras import RealDictCursor


class postgresql(TypedDict):
    host: str
    port: int
    user: str
    password: str
    dbname: str


QUERY = """
    select n.nspname as schemaname, c.relname as tablename,
           pg_size_pretty(pg_total_relation_size(c.oid)) as size,
           pg_total_relation_size(c.oid) as size_bytes,
           c.reltuples::bigint as row_estimate
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %s and c.relkind in ('r', 'm')
    order by size_bytes desc
"""


def main(db: postgresql, schema: str = "public") -> list[dict]:
    """List the tables of a schema by size, the largest first.

    Args:
        db: The database to look into
        schema: Only tables of this schema
    """
    with closing(psycopg2.connect(**db)) as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(QUERY, (schema,))
        return [dict(row) for row in cursor]
