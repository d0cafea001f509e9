-- name: insert_resource!
-- A new resource.
INSERT INTO resource (workspace_id, path, value, resource_type, description, labels, created_by)
VALUES (:workspace, :path, :value::json, :resource_type, :description, :labels::text[], :created_by);

-- name: upsert_resource!
-- A new resource, or a new content for the one that is there.
INSERT INTO resource (workspace_id, path, value, resource_type, description, labels, created_by)
VALUES (:workspace, :path, :value::json, :resource_type, :description, :labels::text[], :created_by)
ON CONFLICT (workspace_id, path) DO UPDATE
SET value = excluded.value, resource_type = excluded.resource_type, description = excluded.description,
    labels = excluded.labels, edited_at = now();

-- name: find_resource^
-- One resource that the reader may see.
SELECT workspace_id, path, value, resource_type, description, labels, extra_perms, created_by, edited_at
FROM resource WHERE workspace_id = :workspace AND path = :path;

-- name: lock_resource^
-- One resource that the writer may change, held until the end of the transaction.
SELECT workspace_id, path, value, resource_type, description, labels, extra_perms, created_by, edited_at
FROM resource WHERE workspace_id = :workspace AND path = :path FOR UPDATE;

-- name: list_resources
-- The resources that the reader may see, by path, without their values.
SELECT workspace_id, path, NULL::text AS value, resource_type, description, labels, extra_perms, created_by, edited_at
FROM resource
WHERE workspace_id = :workspace
  AND (:resource_types::text[] IS NULL OR resource_type = ANY (:resource_types::text[]))
  AND (:excluded_types::text[] IS NULL OR NOT resource_type = ANY (:excluded_types::text[]))
  AND (:path_start::text IS NULL OR starts_with(path, :path_start::text))
  AND (:path::text IS NULL OR path = :path::text)
  AND (:description::text IS NULL OR strpos(lower(description), lower(:description::text)) > 0)
  AND (:value::text IS NULL OR strpos(lower(value::text), lower(:value::text)) > 0)
  AND (:broad::text IS NULL OR strpos(lower(path), lower(:broad::text)) > 0
       OR strpos(lower(description), lower(:broad::text)) > 0
       OR strpos(lower(value::text), lower(:broad::text)) > 0)
  AND (:label::text IS NULL OR :label::text = ANY (labels))
ORDER BY path
LIMIT :per_page::bigint OFFSET (greatest(:page::bigint, 1) - 1) * coalesce(:per_page::bigint, 1000);

-- name: list_texts
-- The beginning of each visible value, for the content search.
SELECT path, left(value::text, :length::integer) AS value, length(value::text) > :length::integer AS truncated
FROM resource WHERE workspace_id = :workspace AND value IS NOT NULL
ORDER BY path LIMIT :limit::bigint;

-- name: update_resource!
-- Replace a resource that was locked before.
UPDATE resource
SET path = :path, value = :value::json, resource_type = :resource_type, description = :description,
    labels = :labels::text[], edited_at = now()
WHERE workspace_id = :workspace AND path = :old_path;

-- name: delete_resources
-- Delete those of the resources that the writer may delete, and tell which.
DELETE FROM resource WHERE workspace_id = :workspace AND path = ANY (:paths::text[]) RETURNING path;

-- name: insert_type!
-- A new resource type.
INSERT INTO resource_type (workspace_id, name, schema, description, format_extension, is_fileset, created_by)
VALUES (:workspace, :name, :schema::json, :description, :format_extension, :is_fileset, :created_by);

-- name: list_types
-- The types of a workspace and those that every workspace has; its own come before shared ones of the same name.
SELECT DISTINCT ON (name)
       workspace_id, name, schema, description, format_extension, is_fileset, created_by, edited_at
FROM resource_type WHERE workspace_id IN (:workspace, 'admins')
  AND (:name::text IS NULL OR name = :name::text)
ORDER BY name, workspace_id = :workspace DESC;

-- name: update_type$
-- Replace a type of the workspace itself and tell its name, or nothing when there is none.
UPDATE resource_type
SET schema = :schema::json, description = :description, format_extension = :format_extension,
    is_fileset = :is_fileset, edited_at = now()
WHERE workspace_id = :workspace AND name = :name
RETURNING name;

-- name: delete_type$
-- Delete a type of the workspace itself and tell its name, or nothing when there is none.
DELETE FROM resource_type WHERE workspace_id = :workspace AND name = :name RETURNING name;
