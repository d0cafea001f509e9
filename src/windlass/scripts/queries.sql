-- name: insert_script!
-- A new version.
INSERT INTO script (workspace_id, hash, path, parent_hashes, summary, description, content, language, kind, schema, lock,
                    lock_error_logs, tag, timeout, priority, options, deployment_message, created_by, extra_perms)
VALUES (:workspace, :hash, :path, :parent_hashes::bigint[], :summary, :description, :content, :language, :kind,
        :schema::json, :lock, :lock_error_logs, :tag, :timeout, :priority, :options::jsonb, :deployment_message,
        :created_by, coalesce(:extra_perms::jsonb, '{}'));

-- name: find_current^
-- The live version at a path, locked so that two deployments come one after the other.
SELECT * FROM script
WHERE workspace_id = :workspace AND path = :path AND NOT archived AND NOT deleted
FOR UPDATE;

-- name: archive_version$
-- Take a version out of service.
UPDATE script SET archived = true
WHERE workspace_id = :workspace AND hash = :hash AND NOT archived RETURNING hash;

-- name: set_lock_job!
-- Note which job resolves the lock.
UPDATE script SET lock_job = :job_id WHERE workspace_id = :workspace AND hash = :hash;

-- name: record_lock!
-- The lock of a version, or why there is none.
UPDATE script SET lock = :lock, lock_error_logs = :error
WHERE workspace_id = :workspace AND hash = :hash AND lock IS NULL;

-- name: get_by_path^
-- The live version at a path, or the newest archived one.
SELECT workspace_id, hash, path, parent_hashes, summary, description, content, language, kind, schema::text AS schema,
       lock, lock_error_logs, tag, timeout, priority, options::text AS options, created_by, created_at, archived, deleted,
       extra_perms::text AS extra_perms
FROM script
WHERE workspace_id = :workspace AND path = :path AND NOT deleted
ORDER BY archived, created_at DESC LIMIT 1;

-- name: get_by_hash^
-- One version.
SELECT workspace_id, hash, path, parent_hashes, summary, description, content, language, kind, schema::text AS schema,
       lock, lock_error_logs, tag, timeout, priority, options::text AS options, created_by, created_at, archived, deleted,
       extra_perms::text AS extra_perms
FROM script
WHERE workspace_id = :workspace AND hash = :hash AND NOT deleted;

-- name: list_scripts
-- The newest version of each path by filters, without code.
SELECT * FROM (
    SELECT DISTINCT ON (path) workspace_id, hash, path, parent_hashes, summary, description, language, kind, tag, timeout,
           priority, options::text AS options, created_by, created_at, archived, deleted, lock IS NOT NULL AS is_locked,
           lock_error_logs, extra_perms::text AS extra_perms,
           EXISTS (SELECT 1 FROM draft d WHERE d.workspace_id = s.workspace_id AND d.kind = 'script' AND d.path = s.path)
               AS has_draft
    FROM script s
    WHERE workspace_id = :workspace AND NOT deleted AND archived = :archived
      AND (:path_start::text IS NULL OR starts_with(path, :path_start))
      AND (:path_exact::text IS NULL OR path = :path_exact)
      AND (:created_by::text IS NULL OR created_by = :created_by)
      AND (:kinds::text[] IS NULL OR kind = ANY (:kinds))
      AND (:languages::text[] IS NULL OR language = ANY (:languages))
      AND (:search::text IS NULL OR position(lower(:search) IN lower(path || ' ' || summary)) > 0)
    ORDER BY path, created_at DESC
) newest
ORDER BY CASE WHEN :ascending::boolean THEN created_at END, CASE WHEN NOT :ascending::boolean THEN created_at END DESC
LIMIT :per_page OFFSET :skip;

-- name: list_search
-- Path and code of every live script, for search in the browser.
SELECT path, content FROM script WHERE workspace_id = :workspace AND NOT archived AND NOT deleted ORDER BY path;

-- name: list_paths
-- Paths of every live script.
SELECT path FROM script WHERE workspace_id = :workspace AND NOT archived AND NOT deleted ORDER BY path;

-- name: exists$
-- Whether a live script has this path.
SELECT EXISTS (SELECT 1 FROM script WHERE workspace_id = :workspace AND path = :path AND NOT archived AND NOT deleted);

-- name: history
-- The versions of a path, newest first.
SELECT hash, deployment_message, created_at, created_by FROM script
WHERE workspace_id = :workspace AND path = :path AND NOT deleted ORDER BY created_at DESC;

-- name: set_message$
-- Change the message of a version.
UPDATE script SET deployment_message = :message
WHERE workspace_id = :workspace AND hash = :hash AND path = :path RETURNING hash;

-- name: deployment_status^
-- Where the deployment of a version stands.
SELECT lock, lock_error_logs, lock_job FROM script WHERE workspace_id = :workspace AND hash = :hash;

-- name: delete_path
-- Remove every version of a path from sight and wipe the code.
UPDATE script SET deleted = true, archived = true, content = '', lock = NULL, schema = NULL
WHERE workspace_id = :workspace AND path = :path AND NOT deleted RETURNING hash;

-- name: delete_version$
-- Remove one version from sight and wipe its code.
UPDATE script SET deleted = true, archived = true, content = '', lock = NULL, schema = NULL
WHERE workspace_id = :workspace AND hash = :hash AND NOT deleted RETURNING hash;

-- name: put_draft!
-- Keep the caller's draft.
INSERT INTO draft (workspace_id, path, kind, username, value)
VALUES (:workspace, :path, :kind, :username, :value::json)
ON CONFLICT (workspace_id, kind, path, username) DO UPDATE SET value = excluded.value, created_at = now();

-- name: get_draft^
-- The caller's draft at a path.
SELECT value::text AS value FROM draft WHERE workspace_id = :workspace AND kind = :kind AND path = :path LIMIT 1;

-- name: list_drafts
-- The caller's drafts, newest first.
SELECT path, kind, value::text AS value, created_at FROM draft
WHERE workspace_id = :workspace ORDER BY created_at DESC;

-- name: delete_draft$
-- Forget the caller's draft.
DELETE FROM draft WHERE workspace_id = :workspace AND kind = :kind AND path = :path RETURNING path;
