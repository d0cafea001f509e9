"""Triggers that write down every change of a job's place, in a table that the product does not know."""

from typing import Any

from chaos.history import Event

# The end of a job is one statement, so `left` and `completed` may come in either order.
INSTALL = """
CREATE TABLE chaos_event (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL, job uuid NOT NULL, epoch integer NOT NULL, status text NOT NULL DEFAULT ''
);
CREATE FUNCTION chaos_note_queue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO chaos_event (kind, job, epoch) VALUES ('queued', NEW.id, NEW.epoch);
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO chaos_event (kind, job, epoch) VALUES ('left', OLD.id, OLD.epoch);
    ELSIF NEW.running AND (NOT OLD.running OR NEW.epoch <> OLD.epoch) THEN
        INSERT INTO chaos_event (kind, job, epoch) VALUES ('claimed', NEW.id, NEW.epoch);
    ELSIF OLD.running AND NOT NEW.running THEN
        INSERT INTO chaos_event (kind, job, epoch) VALUES ('released', NEW.id, NEW.epoch);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION chaos_note_end() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO chaos_event (kind, job, epoch, status) VALUES ('completed', NEW.id, NEW.epoch, NEW.status);
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO chaos_event (kind, job, epoch, status) VALUES ('changed', NEW.id, NEW.epoch, NEW.status);
    ELSE
        INSERT INTO chaos_event (kind, job, epoch, status) VALUES ('erased', OLD.id, OLD.epoch, OLD.status);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_queue AFTER INSERT OR UPDATE OR DELETE ON job_queue
    FOR EACH ROW EXECUTE FUNCTION chaos_note_queue();
CREATE TRIGGER chaos_end AFTER INSERT OR UPDATE OR DELETE ON job_completed
    FOR EACH ROW EXECUTE FUNCTION chaos_note_end();
"""
EVENTS = """
SELECT e.kind, e.job::text AS job, e.epoch, e.status, extract(epoch FROM e.at)::float AS at
FROM chaos_event e JOIN job j ON j.id = e.job WHERE j.tag = ANY ($1::text[]) ORDER BY e.number
"""


async def install(connection: Any) -> None:
    """Begin to write down; the connection is the owner's."""
    await connection.execute(INSTALL)


async def events(connection: Any, tags: list[str]) -> list[Event]:
    """What happened to the jobs of these tags, in the order of the changes."""
    return [Event(**row) for row in await connection.fetch(EVENTS, tags)]
