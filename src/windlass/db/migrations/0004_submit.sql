-- Servers remember for a moment who a token belongs to. Whatever changes that tells them, so that they forget at once.
CREATE FUNCTION tell_identities() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('identities', '');
    RETURN NULL;
END $$;

CREATE TRIGGER tell_identities AFTER UPDATE OF email, scopes, workspace_id, read_only, expiration OR DELETE ON token
    FOR EACH STATEMENT EXECUTE FUNCTION tell_identities();
CREATE TRIGGER tell_identities AFTER UPDATE OF email, super_admin, disabled, must_change_password OR DELETE ON account
    FOR EACH STATEMENT EXECUTE FUNCTION tell_identities();
CREATE TRIGGER tell_identities AFTER UPDATE OF deleted OR DELETE ON workspace
    FOR EACH STATEMENT EXECUTE FUNCTION tell_identities();
CREATE TRIGGER tell_identities AFTER INSERT OR UPDATE OR DELETE ON member
    FOR EACH STATEMENT EXECUTE FUNCTION tell_identities();
CREATE TRIGGER tell_identities AFTER INSERT OR UPDATE OR DELETE ON group_member
    FOR EACH STATEMENT EXECUTE FUNCTION tell_identities();
CREATE TRIGGER tell_identities AFTER INSERT OR UPDATE OR DELETE ON folder
    FOR EACH STATEMENT EXECUTE FUNCTION tell_identities();

-- The version that a run by path takes: the newest that has its lock, else the newest whose lock is still being made.
-- In plpgsql, because that keeps the plan for the session.
CREATE FUNCTION runnable_hash(workspace text, runnable_path text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT hash FROM script
        WHERE workspace_id = workspace AND path = runnable_path AND NOT deleted
          AND EXISTS (SELECT 1 FROM script current WHERE current.workspace_id = workspace AND current.path = runnable_path
                      AND NOT current.archived AND NOT current.deleted)
        ORDER BY (lock IS NOT NULL) DESC, (lock_error_logs IS NULL) DESC, created_at DESC
        LIMIT 1
    );
END $$;
