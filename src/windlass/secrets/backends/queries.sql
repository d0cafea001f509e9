-- name: get_key$
-- The key of a workspace.
SELECT key FROM workspace_key WHERE workspace_id = :workspace;
