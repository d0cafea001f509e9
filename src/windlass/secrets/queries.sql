-- name: insert_variable!
-- A new variable.
INSERT INTO variable (workspace_id, path, value, is_secret, description, expires_at, labels, edited_by)
VALUES (:workspace, :path, :value, :is_secret, :description, :expires_at, :labels::text[], :edited_by);

-- name: find_variable^
-- One variable that the reader may see.
SELECT workspace_id, path, value, is_secret, description, expires_at, labels, extra_perms, edited_by, edited_at
FROM variable WHERE workspace_id = :workspace AND path = :path;

-- name: lock_variable^
-- One variable that the writer may change, held until the end of the transaction.
SELECT workspace_id, path, value, is_secret, description, expires_at, labels, extra_perms, edited_by, edited_at
FROM variable WHERE workspace_id = :workspace AND path = :path FOR UPDATE;

-- name: list_variables
-- The variables that the reader may see, by path. The sealed text of a secret is never searched.
SELECT workspace_id, path, value, is_secret, description, expires_at, labels, extra_perms, edited_by, edited_at
FROM variable
WHERE workspace_id = :workspace
  AND (:path_start::text IS NULL OR starts_with(path, :path_start::text))
  AND (:path::text IS NULL OR path = :path::text)
  AND (:description::text IS NULL OR strpos(lower(description), lower(:description::text)) > 0)
  AND (:value::text IS NULL OR (NOT is_secret AND strpos(lower(value), lower(:value::text)) > 0))
  AND (:broad::text IS NULL OR strpos(lower(path), lower(:broad::text)) > 0
       OR strpos(lower(description), lower(:broad::text)) > 0
       OR (NOT is_secret AND strpos(lower(value), lower(:broad::text)) > 0))
  AND (:label::text IS NULL OR :label::text = ANY (labels))
ORDER BY path
LIMIT :per_page::bigint OFFSET (greatest(:page::bigint, 1) - 1) * coalesce(:per_page::bigint, 1000);

-- name: update_variable!
-- Replace a variable that was locked before.
UPDATE variable
SET path = :path, value = :value, is_secret = :is_secret, description = :description, labels = :labels::text[],
    edited_by = :edited_by, edited_at = now()
WHERE workspace_id = :workspace AND path = :old_path;

-- name: delete_variables
-- Delete those of the variables that the writer may delete, and tell which.
DELETE FROM variable WHERE workspace_id = :workspace AND path = ANY (:paths::text[]) RETURNING path;
