-- The queue for a million waiting jobs, exactly-once requests, and jobs that were given up.

-- One range a tag: a claim reads the front of each range it serves, whatever waits behind it or in other ranges.
DROP INDEX job_waiting;
CREATE INDEX job_due ON job_queue (tag, priority DESC, scheduled_for, id) WHERE NOT running;

-- No column that a heartbeat writes is in an index, so a heartbeat stays within its page. What runs is never much.
DROP INDEX job_running;
CREATE INDEX job_running ON job_queue (worker) WHERE running;

-- Each row is written three times and then deleted: room for the next version beside it, and vacuum soon and quickly.
ALTER TABLE job_queue SET (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 1000
);

-- Jobs that took their workers with them until their starts were used up.
ALTER TABLE job_completed ADD COLUMN dead_letter boolean NOT NULL DEFAULT false;
CREATE INDEX job_dead_letter ON job_completed (workspace_id, completed_at DESC) WHERE dead_letter;

-- What a caller has asked for under a key of its own, so that asking again launches nothing. Kept for a day.
CREATE TABLE job_idempotency (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    key text NOT NULL,
    job_id uuid NOT NULL,
    request_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, key)
);
CREATE INDEX job_idempotency_age ON job_idempotency (created_at);
ALTER TABLE job_idempotency ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_idempotency FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON job_idempotency TO windlass_service USING (true) WITH CHECK (true);
CREATE POLICY inside ON job_idempotency TO windlass_user
    USING (workspace_id = (SELECT request_workspace())) WITH CHECK (workspace_id = (SELECT request_workspace()));
GRANT SELECT, INSERT, DELETE ON job_idempotency TO windlass_service;
GRANT SELECT, INSERT ON job_idempotency TO windlass_user;
