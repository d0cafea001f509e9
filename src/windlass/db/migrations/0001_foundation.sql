-- Roles. windlass_user carries requests and is bound by row level security; windlass_service carries workers,
-- authentication and maintenance. Neither may log in, neither bypasses row level security.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'windlass_user') THEN
        CREATE ROLE windlass_user NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'windlass_service') THEN
        CREATE ROLE windlass_service NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this cluster migrates at the same moment
END $$;

DO $$
BEGIN
    EXECUTE format('GRANT windlass_user, windlass_service TO %I', current_user);
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'windlass_api') THEN
        GRANT windlass_user TO windlass_api;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'windlass_system') THEN
        GRANT windlass_service TO windlass_system;
    END IF;
END $$;

GRANT USAGE ON SCHEMA public TO windlass_user, windlass_service;

-- What row level security may know of a request. Policies wrap the calls in (SELECT …) so that they run once a query.
CREATE FUNCTION request_context() RETURNS json LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('windlass.context', true), '')::json $$;
CREATE FUNCTION request_workspace() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT request_context() ->> 'workspace' $$;
CREATE FUNCTION request_flag(name text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT coalesce((request_context() ->> name)::boolean, false) $$;
CREATE FUNCTION request_list(name text) RETURNS text[] LANGUAGE sql STABLE
    AS $$ SELECT ARRAY(SELECT json_array_elements_text(coalesce(request_context() -> name, '[]'::json))) $$;
CREATE FUNCTION path_owner(path text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT split_part(path, '/', 1) || '/' || split_part(path, '/', 2) $$;

-- Instance: no workspace, reached through windlass_service only.
CREATE TABLE instance_setting (
    name text PRIMARY KEY,
    value json NOT NULL
);

CREATE TABLE account (
    email text PRIMARY KEY CHECK (email = lower(email)),
    password_hash text,
    name text,
    company text,
    super_admin boolean NOT NULL DEFAULT false,
    disabled boolean NOT NULL DEFAULT false,
    must_change_password boolean NOT NULL DEFAULT false,
    loopback_only boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE token (
    token_hash bytea PRIMARY KEY,
    token_prefix text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('session', 'token')),
    email text NOT NULL REFERENCES account ON DELETE CASCADE ON UPDATE CASCADE,
    label text,
    scopes text[],
    workspace_id text,
    read_only boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expiration timestamptz
);
CREATE INDEX token_of_email ON token (email, created_at DESC);

CREATE TABLE login_attempt (
    subject text NOT NULL,
    attempted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_attempt_recent ON login_attempt (subject, attempted_at);

-- Workspaces and their people.
CREATE TABLE workspace (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9_-]{2,50}$'),
    name text NOT NULL,
    owner text NOT NULL,
    color text,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE workspace_key (
    workspace_id text PRIMARY KEY REFERENCES workspace ON DELETE CASCADE,
    key text NOT NULL
);

CREATE TABLE member (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    username text NOT NULL CHECK (username ~ '^[\w-]{1,50}$'),
    email text NOT NULL REFERENCES account ON DELETE CASCADE ON UPDATE CASCADE,
    is_admin boolean NOT NULL DEFAULT false,
    operator boolean NOT NULL DEFAULT false,
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, username),
    UNIQUE (workspace_id, email),
    CHECK (NOT (is_admin AND operator))
);
CREATE INDEX member_of_email ON member (email);

CREATE TABLE user_group (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    name text NOT NULL,
    summary text NOT NULL DEFAULT '',
    extra_perms jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE group_member (
    workspace_id text NOT NULL,
    name text NOT NULL,
    username text NOT NULL,
    PRIMARY KEY (workspace_id, name, username),
    FOREIGN KEY (workspace_id, name) REFERENCES user_group ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, username) REFERENCES member ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE folder (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    name text NOT NULL,
    summary text,
    owners text[] NOT NULL DEFAULT '{}',
    extra_perms jsonb NOT NULL DEFAULT '{}',
    created_by text NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name)
);

-- Items: whatever is stored under a path.
CREATE TABLE script (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    hash bigint NOT NULL,
    path text NOT NULL,
    parent_hashes bigint[] NOT NULL DEFAULT '{}',
    summary text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    content text NOT NULL,
    language text NOT NULL,
    kind text NOT NULL DEFAULT 'script',
    schema json,
    lock text,
    lock_error_logs text,
    lock_job uuid,
    tag text,
    timeout integer CHECK (timeout > 0),
    priority smallint CHECK (priority BETWEEN 0 AND 100),
    options jsonb NOT NULL DEFAULT '{}',
    deployment_message text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    archived boolean NOT NULL DEFAULT false,
    deleted boolean NOT NULL DEFAULT false,
    extra_perms jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, hash)
);
CREATE INDEX script_versions ON script (workspace_id, path, created_at DESC);
CREATE UNIQUE INDEX script_current ON script (workspace_id, path) WHERE NOT archived AND NOT deleted;

CREATE TABLE draft (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    path text NOT NULL,
    kind text NOT NULL,
    username text NOT NULL,
    value json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, kind, path, username)
);

CREATE TABLE variable (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    path text NOT NULL,
    value text NOT NULL,
    is_secret boolean NOT NULL DEFAULT false,
    description text NOT NULL DEFAULT '',
    expires_at timestamptz,
    labels text[],
    extra_perms jsonb NOT NULL DEFAULT '{}',
    edited_by text NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, path)
);

CREATE TABLE resource_type (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    name text NOT NULL,
    schema json,
    description text NOT NULL DEFAULT '',
    format_extension text,
    is_fileset boolean NOT NULL DEFAULT false,
    created_by text NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name)
);

CREATE TABLE resource (
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    path text NOT NULL,
    value json,
    resource_type text NOT NULL,
    description text NOT NULL DEFAULT '',
    labels text[],
    extra_perms jsonb NOT NULL DEFAULT '{}',
    created_by text NOT NULL,
    edited_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, path)
);
CREATE INDEX resource_of_type ON resource (workspace_id, resource_type);

-- Jobs. `job` never changes, `job_queue` holds what waits or runs, `job_completed` what has ended. A row sits in exactly
-- one of the last two. `json`, not `jsonb`: nobody looks inside on the hot path, and \u0000 must survive.
CREATE TABLE job (
    id uuid PRIMARY KEY,
    workspace_id text NOT NULL REFERENCES workspace ON DELETE CASCADE,
    kind text NOT NULL,
    runnable_path text,
    runnable_hash bigint,
    language text,
    raw_code text,
    raw_lock text,
    entrypoint text,
    args json NOT NULL DEFAULT '{}',
    tag text NOT NULL,
    timeout integer CHECK (timeout > 0),
    priority smallint NOT NULL DEFAULT 0,
    parent_job uuid,
    root_job uuid,
    created_by text NOT NULL,
    permissioned_as text NOT NULL,
    permissioned_as_email text NOT NULL,
    trigger_kind text,
    trigger_path text,
    visible_to_owner boolean NOT NULL DEFAULT true,
    retry_on_crash boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_recent ON job (workspace_id, created_at DESC);
CREATE INDEX job_of_runnable ON job (workspace_id, runnable_path, created_at DESC);
CREATE INDEX job_children ON job (parent_job) WHERE parent_job IS NOT NULL;

CREATE TABLE job_queue (
    id uuid PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    workspace_id text NOT NULL,
    tag text NOT NULL,
    priority smallint NOT NULL DEFAULT 0,
    scheduled_for timestamptz NOT NULL DEFAULT now(),
    running boolean NOT NULL DEFAULT false,
    epoch integer NOT NULL DEFAULT 0,
    worker text,
    started_at timestamptz,
    last_ping timestamptz,
    canceled_by text,
    canceled_reason text,
    mem_peak integer,
    progress smallint CHECK (progress BETWEEN 0 AND 100),
    CHECK (NOT running OR (worker IS NOT NULL AND last_ping IS NOT NULL AND epoch > 0))
);
CREATE INDEX job_waiting ON job_queue (priority DESC, scheduled_for, id) WHERE NOT running;
CREATE INDEX job_running ON job_queue (last_ping) WHERE running;

CREATE TABLE job_completed (
    id uuid PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    workspace_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('success', 'failure', 'canceled', 'skipped')),
    result json,
    started_at timestamptz,
    completed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint NOT NULL,
    worker text,
    epoch integer NOT NULL,
    canceled_by text,
    canceled_reason text,
    mem_peak integer,
    progress smallint,
    labels text[],
    deleted boolean NOT NULL DEFAULT false
);
CREATE INDEX job_completed_recent ON job_completed (workspace_id, completed_at DESC);

-- Log chunks. `start_offset` counts UTF-16 units, because that is how the protocol's clients count.
CREATE TABLE job_log (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    workspace_id text NOT NULL,
    start_offset integer NOT NULL,
    end_offset integer NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (job_id, start_offset)
);

CREATE TABLE job_stream (
    job_id uuid NOT NULL REFERENCES job ON DELETE CASCADE,
    workspace_id text NOT NULL,
    start_offset integer NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (job_id, start_offset)
);

CREATE TABLE worker_ping (
    worker text PRIMARY KEY,
    worker_instance text NOT NULL,
    worker_group text NOT NULL,
    tags text[] NOT NULL,
    version text NOT NULL,
    tier text NOT NULL,
    slots integer NOT NULL,
    draining boolean NOT NULL DEFAULT false,
    jobs_executed bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_ping timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text NOT NULL,
    timestamp timestamptz NOT NULL DEFAULT now(),
    username text NOT NULL,
    operation text NOT NULL,
    action_kind text NOT NULL CHECK (action_kind IN ('Created', 'Updated', 'Delete', 'Execute')),
    resource text,
    parameters jsonb
);
CREATE INDEX audit_log_recent ON audit_log (workspace_id, timestamp DESC);

-- The platform's own role sees and does everything it needs.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO windlass_service;

-- Row level security on every table that has a workspace.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'workspace_id' AND table_name NOT IN ('token')
        UNION SELECT 'workspace'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO windlass_service USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;

-- Items: read what you own, what your folders and groups give you, what was shared; write the same by the write lists.
DO $$
DECLARE
    name text;
    visible CONSTANT text :=
        'workspace_id = (SELECT request_workspace()) AND ((SELECT request_flag(''admin''))
         OR path_owner(path) = ANY ((SELECT request_list(''read''))::text[])
         OR extra_perms ?| (SELECT request_list(''principals'')))';
    changeable CONSTANT text :=
        'workspace_id = (SELECT request_workspace()) AND (SELECT request_flag(''can_author''))
         AND ((SELECT request_flag(''admin''))
         OR path_owner(path) = ANY ((SELECT request_list(''write''))::text[])
         OR jsonb_path_exists(extra_perms, ''$.keyvalue() ? (@.value == true && @.key == $who[*])'',
                jsonb_build_object(''who'', to_jsonb((SELECT request_list(''principals''))))))';
BEGIN
    FOREACH name IN ARRAY ARRAY['script', 'variable', 'resource'] LOOP
        EXECUTE format('CREATE POLICY visible ON %I FOR SELECT TO windlass_user USING (%s)', name, visible);
        EXECUTE format('CREATE POLICY creatable ON %I FOR INSERT TO windlass_user WITH CHECK (%s)', name, changeable);
        EXECUTE format('CREATE POLICY changeable ON %I FOR UPDATE TO windlass_user USING (%s) WITH CHECK (%s)',
                       name, changeable, changeable);
        EXECUTE format('CREATE POLICY removable ON %I FOR DELETE TO windlass_user USING (%s)', name, changeable);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO windlass_user', name);
    END LOOP;
END $$;

-- State of a script is written by the job that runs it, whatever the right to author.
CREATE POLICY state_creatable ON resource FOR INSERT TO windlass_user WITH CHECK (
    workspace_id = (SELECT request_workspace()) AND resource_type = 'state'
    AND ((SELECT request_flag('admin')) OR path_owner(path) = ANY ((SELECT request_list('write'))::text[])));
CREATE POLICY state_changeable ON resource FOR UPDATE TO windlass_user USING (
    workspace_id = (SELECT request_workspace()) AND resource_type = 'state'
    AND ((SELECT request_flag('admin')) OR path_owner(path) = ANY ((SELECT request_list('write'))::text[])))
    WITH CHECK (workspace_id = (SELECT request_workspace()) AND resource_type = 'state');

CREATE POLICY own ON draft TO windlass_user
    USING (workspace_id = (SELECT request_workspace()) AND username = (SELECT request_context() ->> 'username'))
    WITH CHECK (workspace_id = (SELECT request_workspace()) AND username = (SELECT request_context() ->> 'username'));
GRANT SELECT, INSERT, UPDATE, DELETE ON draft TO windlass_user;

CREATE POLICY visible ON resource_type FOR SELECT TO windlass_user
    USING (workspace_id IN ((SELECT request_workspace()), 'admins'));
CREATE POLICY changeable ON resource_type TO windlass_user
    USING (workspace_id = (SELECT request_workspace()) AND (SELECT request_flag('can_author')))
    WITH CHECK (workspace_id = (SELECT request_workspace()) AND (SELECT request_flag('can_author')));
GRANT SELECT, INSERT, UPDATE, DELETE ON resource_type TO windlass_user;

-- People: every member sees names; only admins change them.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['member', 'user_group', 'group_member', 'folder'] LOOP
        EXECUTE format('CREATE POLICY visible ON %I FOR SELECT TO windlass_user
                        USING (workspace_id = (SELECT request_workspace()))', name);
        EXECUTE format('CREATE POLICY changeable ON %I TO windlass_user
                        USING (workspace_id = (SELECT request_workspace()) AND (SELECT request_flag(''admin'')))
                        WITH CHECK (workspace_id = (SELECT request_workspace()) AND (SELECT request_flag(''admin'')))',
                       name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO windlass_user', name);
    END LOOP;
END $$;
CREATE POLICY creatable ON folder FOR INSERT TO windlass_user WITH CHECK (
    workspace_id = (SELECT request_workspace()) AND (SELECT request_flag('can_author'))
    AND 'u/' || (SELECT request_context() ->> 'username') = ANY (owners));
CREATE POLICY owned ON folder FOR UPDATE TO windlass_user
    USING (workspace_id = (SELECT request_workspace()) AND owners && (SELECT request_list('principals')))
    WITH CHECK (workspace_id = (SELECT request_workspace()));
CREATE POLICY removable ON folder FOR DELETE TO windlass_user
    USING (workspace_id = (SELECT request_workspace()) AND owners && (SELECT request_list('principals')));

CREATE POLICY own ON workspace FOR SELECT TO windlass_user USING (id = (SELECT request_workspace()));
CREATE POLICY changeable ON workspace FOR UPDATE TO windlass_user
    USING (id = (SELECT request_workspace()) AND (SELECT request_flag('admin')));
GRANT SELECT, UPDATE ON workspace TO windlass_user;

CREATE POLICY own ON workspace_key FOR SELECT TO windlass_user USING (workspace_id = (SELECT request_workspace()));
GRANT SELECT ON workspace_key TO windlass_user;

-- Jobs: your own, those that run as you, and those of runnables that you can read and that are not hidden.
CREATE POLICY visible ON job FOR SELECT TO windlass_user USING (
    workspace_id = (SELECT request_workspace()) AND ((SELECT request_flag('admin'))
    OR created_by = (SELECT request_context() ->> 'username')
    OR permissioned_as = ANY ((SELECT request_list('principals'))::text[])
    OR (visible_to_owner AND path_owner(runnable_path) = ANY ((SELECT request_list('read'))::text[]))));
CREATE POLICY creatable ON job FOR INSERT TO windlass_user
    WITH CHECK (workspace_id = (SELECT request_workspace()) AND created_by = (SELECT request_context() ->> 'username')
                AND permissioned_as = 'u/' || created_by AND permissioned_as_email = (SELECT request_context() ->> 'email'));
GRANT SELECT, INSERT ON job TO windlass_user;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['job_queue', 'job_completed', 'job_log', 'job_stream'] LOOP
        EXECUTE format('CREATE POLICY inside ON %I TO windlass_user
                        USING (workspace_id = (SELECT request_workspace()))
                        WITH CHECK (workspace_id = (SELECT request_workspace()))', name);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_queue TO windlass_user;
GRANT SELECT, INSERT ON job_completed TO windlass_user;
GRANT UPDATE (deleted, result) ON job_completed TO windlass_user;
GRANT SELECT ON job_log, job_stream TO windlass_user;

CREATE POLICY visible ON audit_log FOR SELECT TO windlass_user USING (
    workspace_id = (SELECT request_workspace())
    AND ((SELECT request_flag('admin')) OR username = (SELECT request_context() ->> 'username')));
CREATE POLICY appendable ON audit_log FOR INSERT TO windlass_user
    WITH CHECK (workspace_id = (SELECT request_workspace()) AND username = (SELECT request_context() ->> 'username'));
GRANT SELECT, INSERT ON audit_log TO windlass_user;
