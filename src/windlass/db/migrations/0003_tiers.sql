-- How well a job was shut in, and how well a workspace wants its jobs to be.

-- Ranks as in `tiers.py`: 0 nothing, 1 policies, 2 namespaces without /proc, 3 namespaces, 4 a kernel of its own.
ALTER TABLE workspace ADD COLUMN min_sandbox_rank smallint NOT NULL DEFAULT 0 CHECK (min_sandbox_rank BETWEEN 0 AND 4);
-- A claim asks for these at each turn, and mostly there are none.
CREATE INDEX workspace_guarded ON workspace (min_sandbox_rank) WHERE min_sandbox_rank > 0;

ALTER TABLE job_queue ADD COLUMN sandbox_tier text, ADD COLUMN sandbox_policy text;
ALTER TABLE job_completed ADD COLUMN sandbox_tier text, ADD COLUMN sandbox_policy text;
