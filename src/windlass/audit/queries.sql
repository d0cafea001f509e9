-- name: insert_entry!
-- Append one entry.
INSERT INTO audit_log (workspace_id, username, operation, action_kind, resource, parameters)
VALUES (:workspace_id, :username, :operation, :action_kind, :resource, :parameters::jsonb);
