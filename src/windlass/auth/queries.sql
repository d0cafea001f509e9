-- name: insert_token!
-- Keep a new token's hash.
INSERT INTO token (token_hash, token_prefix, kind, email, label, scopes, workspace_id, read_only, expiration)
VALUES (:token_hash, :token_prefix, :kind, :email, :label, :scopes::text[], :workspace_id, :read_only, :expiration);

-- name: list_tokens
-- The live tokens of an account, newest first.
SELECT token_prefix, kind, label, scopes, workspace_id, read_only, created_at, last_used_at, expiration, email
FROM token
WHERE email = :email AND (expiration IS NULL OR expiration > now())
ORDER BY created_at DESC;

-- name: delete_token$
-- Delete an account's token by prefix and tell whether there was one.
WITH gone AS (DELETE FROM token WHERE email = :email AND token_prefix = :token_prefix RETURNING 1)
SELECT count(*) FROM gone;

-- name: delete_session!
-- Forget one session; a token that a person made is not ended by a logout.
DELETE FROM token WHERE token_hash = :token_hash AND kind = 'session';

-- name: delete_sessions!
-- Forget every session of an account but one.
DELETE FROM token WHERE email = :email AND kind = 'session' AND token_prefix IS DISTINCT FROM :keep::text;

-- name: delete_dead_tokens!
-- Remove expired tokens.
DELETE FROM token WHERE expiration < now();

-- name: delete_old_attempts!
-- Remove login attempts that no longer count.
DELETE FROM login_attempt WHERE attempted_at < now() - :older_than::interval;

-- name: get_or_create_key$
-- The instance key of this name; the first writer wins.
WITH made AS (
    INSERT INTO instance_setting (name, value) VALUES (:name, :value::json) ON CONFLICT (name) DO NOTHING RETURNING value
)
SELECT value::text FROM made UNION ALL SELECT value::text FROM instance_setting WHERE name = :name LIMIT 1;

-- name: find_by_token^
-- The account behind a token, with its place in one workspace.
SELECT a.email, a.super_admin, a.must_change_password, t.scopes, t.workspace_id AS token_workspace, t.read_only,
       t.token_prefix, CASE t.kind WHEN 'token' THEN t.expiration END AS expires_at,
       t.last_used_at < now() - interval '1 minute' AS is_stale,
       EXISTS (SELECT 1 FROM workspace w WHERE w.id = :workspace::text AND NOT w.deleted) AS workspace_exists, p.*
FROM token t
JOIN account a USING (email)
LEFT JOIN LATERAL (
    SELECT m.username, m.is_admin, m.operator, m.disabled AS member_disabled,
           ARRAY(SELECT g.name FROM group_member g
                 WHERE g.workspace_id = m.workspace_id AND g.username = m.username) AS groups,
           (SELECT json_agg(json_build_object('name', f.name, 'owners', f.owners, 'extra_perms', f.extra_perms))
            FROM folder f WHERE f.workspace_id = m.workspace_id)::text AS folders
    FROM member m JOIN workspace w ON w.id = m.workspace_id AND NOT w.deleted
    WHERE m.workspace_id = :workspace::text AND m.email = a.email
) p ON true
WHERE t.token_hash = :token_hash AND (t.expiration IS NULL OR t.expiration > now()) AND NOT a.disabled;

-- name: find_by_job^
-- The account that a running attempt of a job acts for, with its place in the job's workspace.
SELECT a.email, a.super_admin, false AS must_change_password, NULL::text[] AS scopes,
       j.workspace_id AS token_workspace, false AS read_only, NULL::text AS token_prefix, NULL::timestamptz AS expires_at,
       false AS is_stale,
       EXISTS (SELECT 1 FROM workspace w WHERE w.id = j.workspace_id AND NOT w.deleted) AS workspace_exists, p.*
FROM job_queue q
JOIN job j USING (id)
JOIN account a ON a.email = j.permissioned_as_email
LEFT JOIN LATERAL (
    SELECT m.username, m.is_admin, m.operator, m.disabled AS member_disabled,
           ARRAY(SELECT g.name FROM group_member g
                 WHERE g.workspace_id = m.workspace_id AND g.username = m.username) AS groups,
           (SELECT json_agg(json_build_object('name', f.name, 'owners', f.owners, 'extra_perms', f.extra_perms))
            FROM folder f WHERE f.workspace_id = m.workspace_id)::text AS folders
    FROM member m JOIN workspace w ON w.id = m.workspace_id AND NOT w.deleted
    WHERE m.workspace_id = j.workspace_id AND m.email = a.email
) p ON true
WHERE q.id = :job_id AND q.running AND q.epoch = :epoch AND NOT a.disabled;

-- name: touch_token!
-- Note that a token was used; at most once a minute.
UPDATE token SET last_used_at = now()
WHERE token_hash = :token_hash AND last_used_at < now() - interval '1 minute';

-- name: workspace_exists$
-- Whether a live workspace has this id.
SELECT EXISTS (SELECT 1 FROM workspace WHERE id = :workspace AND NOT deleted);

-- name: get_account^
-- One account.
SELECT email, password_hash, name, company, super_admin, disabled, must_change_password, loopback_only, created_at
FROM account WHERE email = :email;

-- name: count_accounts$
-- How many accounts there are.
SELECT count(*) FROM account;

-- name: insert_account!
-- A new account.
INSERT INTO account (email, password_hash, name, company, super_admin, must_change_password, loopback_only)
VALUES (:email, :password_hash, :name, :company, :super_admin, :must_change_password, :loopback_only);

-- name: list_accounts
-- The accounts by e-mail, a page of them.
SELECT email, name, company, super_admin, disabled, must_change_password, created_at
FROM account ORDER BY email LIMIT :count OFFSET :skip;

-- name: account_exists$
-- Whether an e-mail has an account.
SELECT EXISTS (SELECT 1 FROM account WHERE email = :email);

-- name: update_account$
-- Change what is given of an account, and tell whether there is one.
WITH changed AS (
    UPDATE account
    SET super_admin = coalesce(:super_admin, super_admin), disabled = coalesce(:disabled, disabled),
        name = coalesce(:name, name), company = coalesce(:company, company)
    WHERE email = :email RETURNING 1
)
SELECT count(*) FROM changed;

-- name: delete_account$
-- Remove an account with its tokens and memberships, and tell whether there was one.
WITH gone AS (DELETE FROM account WHERE email = :email RETURNING 1)
SELECT count(*) FROM gone;

-- name: set_password!
-- Replace a password; the first-login conditions end with it.
UPDATE account SET password_hash = :password_hash, must_change_password = false, loopback_only = false
WHERE email = :email;

-- name: record_attempt!
-- Note a login for each subject (account and address) as failed, until it proves good.
INSERT INTO login_attempt (subject) SELECT unnest(:subjects::text[]);

-- name: count_attempts$
-- The highest count of recent failures among the subjects.
SELECT coalesce(max(n), 0) FROM (
    SELECT count(*) AS n FROM login_attempt
    WHERE subject = ANY (:subjects::text[]) AND attempted_at > now() - :window::interval
    GROUP BY subject
) counts;

-- name: forget_attempts!
-- A good login clears the failures of its account and its address.
DELETE FROM login_attempt WHERE subject = ANY (:subjects::text[]);
