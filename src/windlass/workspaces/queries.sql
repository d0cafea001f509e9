-- name: lock_first_start$
-- Let one process at a time fill an empty instance; held until the transaction ends.
SELECT pg_advisory_xact_lock(:key);

-- name: insert_workspace!
-- A new workspace.
INSERT INTO workspace (id, name, owner, color) VALUES (:workspace, :name, :owner, :color);

-- name: insert_key!
-- The key that protects the secrets of a new workspace.
INSERT INTO workspace_key (workspace_id, key) VALUES (:workspace, :key);

-- name: insert_resource_types!
-- The basic resource types of a new workspace, from a JSON array.
INSERT INTO resource_type (workspace_id, name, schema, description, created_by)
SELECT :workspace::text, item ->> 'name', item -> 'schema', item ->> 'description', :created_by::text
FROM json_array_elements(:types::json) item;

-- name: insert_owner!
-- The owner as admin of a new workspace, when the e-mail has an account.
INSERT INTO member (workspace_id, username, email, is_admin)
SELECT :workspace::text, :username::text, email, true FROM account WHERE email = :email;

-- name: workspace_exists$
-- Whether the id is taken, also by an archived workspace.
SELECT EXISTS (SELECT 1 FROM workspace WHERE id = :workspace);

-- name: list_of_member
-- The live workspaces of an account.
SELECT w.id, w.name, w.owner, w.color, w.deleted
FROM workspace w
JOIN member m ON m.workspace_id = w.id
WHERE m.email = :email AND NOT w.deleted AND (:only::text IS NULL OR w.id = :only)
ORDER BY (w.id = 'admins'), w.id;

-- name: list_memberships
-- The live workspaces of an account and the name it has in each.
SELECT w.id, w.name, m.username, w.color, w.owner AS created_by, m.disabled
FROM workspace w
JOIN member m ON m.workspace_id = w.id
WHERE m.email = :email AND NOT w.deleted AND (:only::text IS NULL OR w.id = :only)
ORDER BY (w.id = 'admins'), w.id;

-- name: list_all
-- Every workspace, archived ones too.
SELECT id, name, owner, color, deleted FROM workspace ORDER BY id;

-- name: get_workspace^
-- One workspace.
SELECT id, name, owner, color, deleted FROM workspace WHERE id = :workspace;

-- name: find_min_sandbox_rank$
-- The rank of the least sandbox that its jobs may run in.
SELECT min_sandbox_rank FROM workspace WHERE id = :workspace;

-- name: rename_workspace!
-- Another display name.
UPDATE workspace SET name = :name WHERE id = :workspace;

-- name: color_workspace!
-- Another color, or none.
UPDATE workspace SET color = :color WHERE id = :workspace;

-- name: guard_workspace!
-- The least sandbox that its jobs may run in.
UPDATE workspace SET min_sandbox_rank = :min_rank WHERE id = :workspace;

-- name: set_archived$
-- Archive or bring back, and tell whether there is such a workspace.
WITH changed AS (UPDATE workspace SET deleted = :deleted WHERE id = :workspace RETURNING 1)
SELECT count(*) FROM changed;

-- name: delete_workspace$
-- Remove a workspace with all that is in it, and tell whether there was one.
WITH gone AS (DELETE FROM workspace WHERE id = :workspace RETURNING 1)
SELECT count(*) FROM gone;

-- name: insert_member!
-- A new member.
INSERT INTO member (workspace_id, username, email, is_admin, operator)
VALUES (:workspace, :username, :email, :is_admin, :operator);

-- name: list_members
-- The members of a workspace, or the one with a name or an e-mail, with their groups and the folders that these open.
SELECT m.email, m.username, a.name, m.is_admin, a.super_admin AS is_super_admin, m.operator, m.disabled, m.created_at,
       g.groups,
       ARRAY(SELECT f.name FROM folder f
             WHERE f.workspace_id = m.workspace_id AND (f.owners && g.principals OR EXISTS (
                 SELECT 1 FROM jsonb_each(f.extra_perms) p WHERE p.key = ANY (g.principals) AND p.value = 'true'))
             ORDER BY f.name) AS folders,
       ARRAY(SELECT f.name FROM folder f
             WHERE f.workspace_id = m.workspace_id AND (f.owners && g.principals OR f.extra_perms ?| g.principals)
             ORDER BY f.name) AS folders_read,
       ARRAY(SELECT f.name FROM folder f
             WHERE f.workspace_id = m.workspace_id AND f.owners && g.principals
             ORDER BY f.name) AS folders_owners
FROM member m
JOIN account a USING (email)
CROSS JOIN LATERAL (
    SELECT ARRAY['all'] || array_agg(x.name ORDER BY x.name) FILTER (WHERE x.name IS NOT NULL) AS groups,
           ARRAY['u/' || m.username, 'g/all']
           || array_agg('g/' || x.name) FILTER (WHERE x.name IS NOT NULL) AS principals
    FROM group_member x WHERE x.workspace_id = m.workspace_id AND x.username = m.username
) g
WHERE m.workspace_id = :workspace AND (:username::text IS NULL OR m.username = :username)
  AND (:email::text IS NULL OR m.email = :email)
ORDER BY m.username;

-- name: list_usernames
-- The names in a workspace.
SELECT username FROM member WHERE workspace_id = :workspace ORDER BY username;

-- name: username_exists$
-- Whether a workspace has a member of this name.
SELECT EXISTS (SELECT 1 FROM member WHERE workspace_id = :workspace AND username = :username);

-- name: get_member^
-- One member's row.
SELECT username, email, is_admin, operator, disabled FROM member
WHERE workspace_id = :workspace AND username = :username;

-- name: lock_admins
-- The acting admins of a workspace, locked, so that two requests cannot remove the last two of them.
SELECT username FROM member
WHERE workspace_id = :workspace AND is_admin AND NOT disabled
ORDER BY username FOR UPDATE;

-- name: update_member!
-- Change what a member may do.
UPDATE member SET is_admin = :is_admin, operator = :operator, disabled = :disabled
WHERE workspace_id = :workspace AND username = :username;

-- name: delete_member!
-- Remove a member; what they made stays.
DELETE FROM member WHERE workspace_id = :workspace AND username = :username;

-- name: insert_group!
-- A new group.
INSERT INTO user_group (workspace_id, name, summary) VALUES (:workspace, :name, :summary);

-- name: list_groups
-- The groups of a workspace, or one of them; everybody who is not disabled is in `all`.
SELECT g.name, g.summary, g.extra_perms::text,
       ARRAY(SELECT m.username FROM member m
             WHERE m.workspace_id = g.workspace_id
               AND (g.name = 'all' OR EXISTS (
                   SELECT 1 FROM group_member x
                   WHERE x.workspace_id = g.workspace_id AND x.name = g.name AND x.username = m.username))
             ORDER BY m.username) AS members
FROM user_group g
WHERE g.workspace_id = :workspace AND (:name::text IS NULL OR g.name = :name)
ORDER BY g.name;

-- name: list_group_names
-- The names of the groups, or of those that one member is in.
SELECT g.name FROM user_group g
WHERE g.workspace_id = :workspace AND (:username::text IS NULL OR g.name = 'all' OR EXISTS (
    SELECT 1 FROM group_member x
    WHERE x.workspace_id = g.workspace_id AND x.name = g.name AND x.username = :username))
ORDER BY g.name;

-- name: update_group$
-- Another summary; tells whether there is such a group.
WITH changed AS (
    UPDATE user_group SET summary = :summary WHERE workspace_id = :workspace AND name = :name RETURNING 1
)
SELECT count(*) FROM changed;

-- name: delete_group$
-- Remove a group; tells whether there was one.
WITH gone AS (DELETE FROM user_group WHERE workspace_id = :workspace AND name = :name RETURNING 1)
SELECT count(*) FROM gone;

-- name: insert_group_member!
-- Put a member in a group; nothing happens when they are in it.
INSERT INTO group_member (workspace_id, name, username) VALUES (:workspace, :name, :username)
ON CONFLICT DO NOTHING;

-- name: delete_group_member$
-- Take a member out of a group; tells whether they were in it.
WITH gone AS (
    DELETE FROM group_member WHERE workspace_id = :workspace AND name = :name AND username = :username RETURNING 1
)
SELECT count(*) FROM gone;

-- name: insert_folder!
-- A new folder.
INSERT INTO folder (workspace_id, name, summary, owners, extra_perms, created_by)
VALUES (:workspace, :name, :summary, :owners::text[], :extra_perms::jsonb, :created_by);

-- name: list_folders
-- The folders of a workspace, only these when names are given.
SELECT name, summary, owners, extra_perms::text, created_by, edited_at
FROM folder
WHERE workspace_id = :workspace AND (:names::text[] IS NULL OR name = ANY (:names))
ORDER BY name;

-- name: folder_exists$
-- Whether a folder has this name.
SELECT EXISTS (SELECT 1 FROM folder WHERE workspace_id = :workspace AND name = :name);

-- name: folder_has_past$
-- Whether anything lies below f/<name>/, whoever may see it, or ran there for somebody else than the maker.
SELECT EXISTS (SELECT 1 FROM script WHERE workspace_id = :workspace AND starts_with(path, :start) AND NOT deleted)
    OR EXISTS (SELECT 1 FROM variable WHERE workspace_id = :workspace AND starts_with(path, :start))
    OR EXISTS (SELECT 1 FROM resource WHERE workspace_id = :workspace AND starts_with(path, :start))
    OR EXISTS (SELECT 1 FROM job WHERE workspace_id = :workspace AND starts_with(runnable_path, :start)
               AND visible_to_owner AND created_by <> :maker);

-- name: lock_folder^
-- One folder, locked for a change.
SELECT name, summary, owners, extra_perms::text, created_by, edited_at
FROM folder WHERE workspace_id = :workspace AND name = :name FOR UPDATE;

-- name: update_folder!
-- Replace what can change of a folder.
UPDATE folder
SET summary = :summary, owners = :owners::text[], extra_perms = :extra_perms::jsonb, edited_at = now()
WHERE workspace_id = :workspace AND name = :name;

-- name: delete_folder!
-- Remove a folder; items below it stay, for admins only.
DELETE FROM folder WHERE workspace_id = :workspace AND name = :name;

-- name: count_usage^
-- The visible items of one owner, such as f/team.
SELECT (SELECT count(*) FROM script
        WHERE workspace_id = :workspace AND path_owner(path) = :owner AND NOT archived AND NOT deleted) AS scripts,
       (SELECT count(*) FROM variable WHERE workspace_id = :workspace AND path_owner(path) = :owner) AS variables,
       (SELECT count(*) FROM resource WHERE workspace_id = :workspace AND path_owner(path) = :owner) AS resources;
