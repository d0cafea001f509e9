-- name: resolve_script_by_path^
-- The version that a run by path takes.
SELECT path, hash, language, tag, timeout, priority, schema::text AS schema, lock IS NOT NULL AS is_locked, lock_error_logs,
       extra_perms::text AS extra_perms, xmin::text AS stamp
FROM script
WHERE workspace_id = :workspace AND hash = runnable_hash(:workspace, :path);

-- name: resolve_script_by_hash^
-- One version, whatever came after it.
SELECT path, hash, language, tag, timeout, priority, schema::text AS schema, lock IS NOT NULL AS is_locked, lock_error_logs,
       extra_perms::text AS extra_perms, xmin::text AS stamp
FROM script
WHERE workspace_id = :workspace AND hash = :hash AND NOT deleted;

-- name: push_jobs
-- Jobs are born on the same terms: each with its row, its place in the queue, its audit entry and the news. One statement,
-- so all or nothing, but for those that do not come back: none does when the guarded version was changed or replaced
-- (`steady`), and none whose key or id is taken. Sorted, so that no two statements wait for each other.
WITH steady AS MATERIALIZED (
    SELECT WHERE :guard_hash::bigint IS NULL OR (
        (:guard_path::text IS NULL OR :guard_hash = runnable_hash(:workspace, :guard_path))
        AND EXISTS (SELECT FROM script s WHERE s.workspace_id = :workspace AND s.hash = :guard_hash
                    AND s.xmin::text = :guard_stamp::text AND NOT s.deleted))
), keyed AS (
    INSERT INTO job_idempotency (workspace_id, key, job_id, request_hash)
    SELECT :workspace, key, id, fingerprint
    FROM unnest(:ids::uuid[], :keys::text[], :fingerprints::bytea[]) AS asked (id, key, fingerprint)
    WHERE key IS NOT NULL AND EXISTS (SELECT FROM steady)
    ORDER BY key
    ON CONFLICT DO NOTHING
    RETURNING job_id
), born AS (
    INSERT INTO job (id, workspace_id, kind, runnable_path, runnable_hash, language, raw_code, raw_lock, entrypoint, args,
                     tag, timeout, priority, parent_job, root_job, created_by, permissioned_as, permissioned_as_email,
                     trigger_kind, visible_to_owner, retry_on_crash)
    SELECT id, :workspace, :kind, :path, :hash, :language, :code, :lock, :entrypoint, args::json, :tag, :timeout,
           :priority, :parent_job, :root_job, :created_by, 'u/' || :created_by, :email, :trigger_kind, :visible_to_owner,
           :retry_on_crash
    FROM unnest(:ids::uuid[], :args::text[], :keys::text[]) AS asked (id, args, key)
    WHERE EXISTS (SELECT FROM steady) AND (key IS NULL OR id IN (SELECT job_id FROM keyed))
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), queued AS (
    INSERT INTO job_queue (id, workspace_id, tag, priority, scheduled_for)
    SELECT id, :workspace, :tag, :priority,
           coalesce(:scheduled_for::timestamptz, now() + make_interval(secs => coalesce(:scheduled_in_secs::integer, 0)))
    FROM born
), noted AS (
    INSERT INTO audit_log (workspace_id, username, operation, action_kind, resource, parameters)
    SELECT :workspace, :created_by, :operation, 'Execute', :path, jsonb_build_object('job', id) FROM born
)
SELECT id, pg_notify('job_queued', :tag) FROM born;

-- name: push_batch$
-- The same for very many jobs, all or none: :args is a JSON array, whose elements PostgreSQL splits, so that numbers of any
-- size arrive whole. One audit entry tells of them, and the answer is how many were born.
WITH steady AS MATERIALIZED (
    SELECT WHERE :guard_hash::bigint IS NULL OR (
        (:guard_path::text IS NULL OR :guard_hash = runnable_hash(:workspace, :guard_path))
        AND EXISTS (SELECT FROM script s WHERE s.workspace_id = :workspace AND s.hash = :guard_hash
                    AND s.xmin::text = :guard_stamp::text AND NOT s.deleted))
), keyed AS (
    INSERT INTO job_idempotency (workspace_id, key, job_id, request_hash)
    SELECT :workspace, :key, (:ids::uuid[])[1], :fingerprint FROM steady WHERE :key::text IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING job_id
), born AS (
    INSERT INTO job (id, workspace_id, kind, runnable_path, runnable_hash, language, raw_code, raw_lock, entrypoint, args,
                     tag, timeout, priority, parent_job, root_job, created_by, permissioned_as, permissioned_as_email,
                     trigger_kind, visible_to_owner, retry_on_crash)
    SELECT id, :workspace, :kind, :path, :hash, :language, :code, :lock, :entrypoint, args, :tag, :timeout,
           :priority, :parent_job, :root_job, :created_by, 'u/' || :created_by, :email, :trigger_kind, :visible_to_owner,
           :retry_on_crash
    FROM ROWS FROM (unnest(:ids::uuid[]), json_array_elements(:args::json)) AS asked (id, args)
    WHERE EXISTS (SELECT FROM steady) AND (:key::text IS NULL OR EXISTS (SELECT FROM keyed))
    RETURNING id
), queued AS (
    INSERT INTO job_queue (id, workspace_id, tag, priority, scheduled_for)
    SELECT id, :workspace, :tag, :priority,
           coalesce(:scheduled_for::timestamptz, now() + make_interval(secs => coalesce(:scheduled_in_secs::integer, 0)))
    FROM born
), noted AS (
    INSERT INTO audit_log (workspace_id, username, operation, action_kind, resource, parameters)
    SELECT :workspace, :created_by, :operation, 'Execute', :path,
           jsonb_build_object('job', (:ids::uuid[])[1], 'jobs', cardinality(:ids::uuid[]))
    FROM born LIMIT 1
), told AS (
    SELECT pg_notify('job_queued', :tag) FROM born LIMIT 1
)
SELECT count(*) + 0 * (SELECT count(*) FROM told) FROM born;

-- name: find_by_key^
-- What was asked for under a key.
SELECT job_id, request_hash FROM job_idempotency WHERE workspace_id = :workspace AND key = :key;

-- name: find_twin^
-- What tells whether a job is the one that a repeated request means.
SELECT workspace_id, permissioned_as_email, kind, runnable_path, runnable_hash, language, raw_code, raw_lock,
       args::text AS args
FROM job WHERE id = :id;

-- name: forget_keys!
-- A day is long enough to send a request again.
DELETE FROM job_idempotency WHERE created_at < now() - :older_than::interval;

-- name: find_root$
-- The root of the tree that a visible job belongs to: itself when it has no parent.
SELECT coalesce(root_job, id) FROM job WHERE id = :id AND workspace_id = :workspace;

-- name: settle_and_pull
-- The worker's one statement: attempts end as `complete_job` says, with the rest of their logs, and up to :slots due jobs
-- are claimed. A claim counts the attempt and writes its first heartbeat. `lane` finds the priorities of each tag, `front`
-- how many jobs of each lane are among the best; only as many are locked, so none is kept from another worker in vain.
-- Jobs of a workspace that wants a better sandbox than :sandbox_rank are left to others.
-- :is_wide locks beyond that, for a worker that has just found the best ones locked by others. What was given back before
-- its outcome arrived is ended and not claimed.
-- With :since it starts where the last claim found the front, in the lanes that it found: the index is full of what has
-- just left it, and passing over that costs more than all else when a long queue is worked off.
-- News of one job with a short result carry its outcome, so that nobody need read it.
-- The answer has one row at least: who was accepted, how many were due, where the front is, and a claimed job.
WITH RECURSIVE outcome AS (
    SELECT * FROM unnest(:ids::uuid[], :epochs::integer[], :statuses::text[], :results::text[], :mems::integer[],
                         :cancelers::text[], :reasons::text[], :labels::text[], :log_starts::integer[],
                         :log_ends::integer[], :logs::text[])
           AS given (id, epoch, status, result, mem, canceler, reason, labels, log_start, log_end, log)
), ended AS (
    DELETE FROM job_queue q USING outcome o
    WHERE q.id = o.id AND q.epoch = o.epoch
    RETURNING q.id, q.workspace_id, q.started_at, q.worker, q.epoch, q.progress, q.sandbox_tier, q.sandbox_policy,
              o.status, o.result,
              coalesce(o.canceler, q.canceled_by) AS canceled_by, coalesce(o.reason, q.canceled_reason) AS canceled_reason,
              greatest(q.mem_peak, o.mem) AS mem_peak, o.labels, o.log_start, o.log_end, o.log
), logged AS (
    INSERT INTO job_log (job_id, workspace_id, start_offset, end_offset, content)
    SELECT id, workspace_id, log_start, log_end, log FROM ended WHERE log IS NOT NULL
    ON CONFLICT (job_id, start_offset) DO NOTHING
), kept AS (
    INSERT INTO job_completed (id, workspace_id, status, result, started_at, duration_ms, worker, epoch, canceled_by,
                               canceled_reason, mem_peak, progress, sandbox_tier, sandbox_policy, labels)
    SELECT id, workspace_id, status, result::json, started_at,
           coalesce((extract(epoch FROM clock_timestamp() - started_at) * 1000)::bigint, 0), worker, epoch,
           canceled_by, canceled_reason, mem_peak, progress, sandbox_tier, sandbox_policy,
           CASE WHEN labels IS NULL THEN '{}' ELSE ARRAY(SELECT json_array_elements_text(labels::json)) END
    FROM ended
    RETURNING id, status, result::text AS result
), told AS (
    SELECT pg_notify('job_done', CASE WHEN count(*) = 1 AND max(octet_length(result)) <= 4000
                                      THEN concat_ws(' ', max(id::text), max(status), max(result))
                                      ELSE string_agg(id::text, ',') END), array_agg(id) AS ids
    FROM (SELECT id, status, result, (row_number() OVER () - 1) / 200 AS part FROM kept) numbered GROUP BY part
), guarded AS MATERIALIZED (
    SELECT coalesce(array_agg(id), '{}') AS workspaces FROM workspace
    WHERE min_sandbox_rank > 0 AND min_sandbox_rank > :sandbox_rank::integer
), lane AS (
    SELECT tag, (SELECT max(priority) FROM job_queue q WHERE NOT q.running AND q.tag = asked.tag) AS priority
    FROM unnest(:tags::text[]) AS asked (tag)
    WHERE :slots::integer > 0 AND :since::timestamptz IS NULL
    UNION ALL
    SELECT tag, (SELECT max(q.priority) FROM job_queue q
                 WHERE NOT q.running AND q.tag = lane.tag AND q.priority < lane.priority)
    FROM lane WHERE lane.priority IS NOT NULL
), open AS (
    SELECT tag, priority FROM lane WHERE priority IS NOT NULL
    UNION ALL SELECT * FROM unnest(:known_tags::text[], :known_priorities::smallint[])
), best AS MATERIALIZED (
    SELECT open.tag, open.priority, first.scheduled_for, first.id
    FROM open CROSS JOIN LATERAL (
        SELECT q.scheduled_for, q.id FROM job_queue q
        WHERE NOT q.running AND q.tag = open.tag AND q.priority = open.priority AND q.scheduled_for <= now()
          AND (q.scheduled_for, q.id) >= (coalesce(:since, '-infinity'),
                                          coalesce(:since_id, '00000000-0000-0000-0000-000000000000'::uuid))
          AND q.id <> ALL (:ids) AND q.workspace_id <> ALL ((SELECT workspaces FROM guarded)::text[])
        ORDER BY q.scheduled_for, q.id LIMIT :slots::integer
    ) first
    ORDER BY open.priority DESC, first.scheduled_for, first.id
    LIMIT CASE WHEN NOT :is_wide THEN :slots::integer END
), front AS MATERIALIZED (
    SELECT tag, priority, count(*) AS share FROM best GROUP BY tag, priority
), due AS MATERIALIZED (
    SELECT taken.id
    FROM front CROSS JOIN LATERAL (
        SELECT q.priority, q.scheduled_for, q.id FROM job_queue q
        WHERE NOT q.running AND q.tag = front.tag AND q.priority = front.priority AND q.scheduled_for <= now()
          AND (q.scheduled_for, q.id) >= (coalesce(:since, '-infinity'),
                                          coalesce(:since_id, '00000000-0000-0000-0000-000000000000'::uuid))
          AND q.id <> ALL (:ids) AND q.workspace_id <> ALL ((SELECT workspaces FROM guarded)::text[])
        ORDER BY q.scheduled_for, q.id LIMIT front.share
        FOR UPDATE SKIP LOCKED
    ) taken
    ORDER BY taken.priority DESC, taken.scheduled_for, taken.id LIMIT :slots::integer
), claimed AS (
    UPDATE job_queue q
    SET running = true, worker = :worker, epoch = q.epoch + 1, started_at = clock_timestamp(),
        last_ping = clock_timestamp(), sandbox_tier = :sandbox_tier, sandbox_policy = :sandbox_policy
    FROM due WHERE q.id = due.id
    RETURNING q.id, q.epoch, q.scheduled_for, q.priority
)
SELECT head.accepted, head.due, head.tags, head.priorities, since.scheduled_for AS since,
       since.id AS since_id, c.id, c.epoch, c.scheduled_for, j.workspace_id, j.kind, j.runnable_path, j.runnable_hash,
       j.language, coalesce(j.raw_code, s.content) AS code, coalesce(j.raw_lock, s.lock) AS lock,
       s.schema::text AS schema, j.entrypoint, j.args::text AS args, j.timeout, j.tag, s.options ->> 'envs' AS environment,
       j.created_by, j.permissioned_as, j.permissioned_as_email, j.parent_job, j.root_job, j.trigger_kind, j.trigger_path
FROM (
    SELECT ARRAY(SELECT unnest(ids) FROM told) AS accepted, coalesce(sum(share), 0)::integer AS due,
           array_agg(tag) AS tags, array_agg(priority) AS priorities
    FROM front
) head
LEFT JOIN (SELECT scheduled_for, id FROM best ORDER BY scheduled_for, id LIMIT 1) since ON true
LEFT JOIN claimed c ON true
LEFT JOIN job j ON j.id = c.id
LEFT JOIN script s ON s.workspace_id = j.workspace_id AND s.hash = j.runnable_hash
ORDER BY c.priority DESC, c.scheduled_for, c.id;

-- name: beat
-- Heartbeats of a worker's attempts. What does not come back is no longer this worker's; what comes back may be canceled.
-- A row that somebody holds at this moment is skipped and not renewed: waiting for it could end in a deadlock.
WITH held AS (
    SELECT q.id, q.epoch, q.canceled_by, q.canceled_reason, given.mem
    FROM unnest(:ids::uuid[], :epochs::integer[], :mems::integer[]) AS given (id, epoch, mem)
    JOIN job_queue q ON q.id = given.id AND q.epoch = given.epoch AND q.running
), free AS MATERIALIZED (
    SELECT q.id, held.mem FROM job_queue q JOIN held ON q.id = held.id AND q.epoch = held.epoch
    WHERE q.running FOR UPDATE OF q SKIP LOCKED
), renewed AS (
    UPDATE job_queue q SET last_ping = clock_timestamp(), mem_peak = greatest(q.mem_peak, free.mem)
    FROM free WHERE q.id = free.id
    RETURNING q.id
)
SELECT held.id, held.epoch, held.canceled_by, held.canceled_reason, renewed.id IS NOT NULL AS is_renewed
FROM held LEFT JOIN renewed USING (id);

-- name: complete_job$
-- A job ends: out of the queue, into the completed, and the news. Guarded by the epoch: a stale attempt ends nothing.
WITH ended AS (
    DELETE FROM job_queue
    WHERE id = :id AND epoch = :epoch
    RETURNING id, workspace_id, started_at, worker, epoch, canceled_by, canceled_reason, mem_peak, progress,
              sandbox_tier, sandbox_policy
), kept AS (
    INSERT INTO job_completed (id, workspace_id, status, result, started_at, duration_ms, worker, epoch, canceled_by,
                               canceled_reason, mem_peak, progress, sandbox_tier, sandbox_policy, labels, dead_letter)
    SELECT id, workspace_id, :status, :result::json, started_at,
           coalesce((extract(epoch FROM clock_timestamp() - started_at) * 1000)::bigint, 0), worker, epoch,
           coalesce(:canceled_by, canceled_by), coalesce(:canceled_reason, canceled_reason),
           greatest(mem_peak, :mem_peak::integer), progress, sandbox_tier, sandbox_policy, :labels::text[],
           :dead_letter
    FROM ended
    RETURNING id
)
SELECT count(pg_notify('job_done', id::text)) FROM kept;

-- name: ask_to_cancel^
-- Mark a job as to be canceled and tell its worker; the answer says whether it runs.
WITH marked AS (
    UPDATE job_queue
    SET canceled_by = coalesce(canceled_by, :canceled_by), canceled_reason = coalesce(canceled_reason, :canceled_reason)
    WHERE id = :id AND workspace_id = :workspace
    RETURNING id, epoch, running
)
SELECT epoch, running, pg_notify('job_cancel', id::text) FROM marked;

-- name: find_dead_letter^
-- What a visible job that was given up was asked to do.
SELECT j.kind, j.runnable_path AS path, j.runnable_hash AS hash, j.raw_code AS code, j.raw_lock AS lock, j.language, j.entrypoint,
       j.args::text AS args, j.tag, j.timeout, j.priority, j.visible_to_owner, j.retry_on_crash
FROM job j JOIN job_completed c USING (id)
WHERE j.id = :id AND j.workspace_id = :workspace AND c.dead_letter;

-- name: list_zombies
-- Running jobs whose worker has been silent for too long, locked so that one rescuer decides.
SELECT q.id, q.epoch, q.worker, q.canceled_by, q.canceled_reason, j.retry_on_crash, coalesce(j.raw_code, s.content) AS code
FROM job_queue q JOIN job j USING (id) LEFT JOIN script s ON s.workspace_id = j.workspace_id AND s.hash = j.runnable_hash
WHERE q.running AND q.last_ping < clock_timestamp() - make_interval(secs => :silence::double precision)
LIMIT 1000
FOR UPDATE OF q SKIP LOCKED;

-- name: find_running^
-- The same of one attempt that runs, however lately its worker was heard of.
SELECT q.id, q.epoch, q.worker, q.canceled_by, q.canceled_reason, j.retry_on_crash, coalesce(j.raw_code, s.content) AS code
FROM job_queue q JOIN job j USING (id) LEFT JOIN script s ON s.workspace_id = j.workspace_id AND s.hash = j.runnable_hash
WHERE q.id = :id AND q.epoch = :epoch AND q.running
FOR UPDATE OF q;

-- name: release_job!
-- Give an attempt back to the queue. The epoch stays, so the attempt is fenced by the next claim and counted already.
-- A canceled one must not start again: it stays with its silent worker until the reaper ends it.
UPDATE job_queue
SET running = false, worker = NULL, started_at = NULL, last_ping = NULL, scheduled_for = least(scheduled_for, now())
WHERE id = :id AND epoch = :epoch AND running AND canceled_by IS NULL;

-- name: release_unknown!
-- Give back what was claimed for a worker that never got the answer, because the connection broke in between.
UPDATE job_queue q
SET running = false, worker = NULL, started_at = NULL, last_ping = NULL
WHERE q.running AND q.worker = :worker AND q.canceled_by IS NULL
  AND NOT EXISTS (SELECT 1 FROM unnest(:ids::uuid[], :epochs::integer[]) AS held (id, epoch)
                  WHERE held.id = q.id AND held.epoch = q.epoch);

-- name: notify_queued!
-- Wake every worker, whatever its tags.
SELECT pg_notify('job_queued', '');

-- name: append_log!
-- Add a chunk to a job's log, for the attempt that holds the job only, and tell those who watch.
WITH held AS (SELECT id, workspace_id FROM job_queue WHERE id = :job_id AND epoch = :epoch),
added AS (
    INSERT INTO job_log (job_id, workspace_id, start_offset, end_offset, content)
    SELECT id, workspace_id, :start_offset, :end_offset, :content FROM held
    ON CONFLICT (job_id, start_offset) DO NOTHING
    RETURNING job_id
)
SELECT pg_notify('job_progress', job_id::text) FROM added;

-- name: append_stream!
-- Add a chunk to a job's result stream.
WITH held AS (SELECT id, workspace_id FROM job_queue WHERE id = :job_id AND epoch = :epoch),
added AS (
    INSERT INTO job_stream (job_id, workspace_id, start_offset, content)
    SELECT id, workspace_id, :start_offset, :content FROM held
    ON CONFLICT (job_id, start_offset) DO NOTHING
    RETURNING job_id
)
SELECT pg_notify('job_progress', job_id::text) FROM added;

-- name: log_end$
-- Where the log of a job ends, in UTF-16 units.
SELECT coalesce(max(end_offset), 0) FROM job_log WHERE job_id = :job_id;

-- name: read_log
-- The log chunks of a job that reach beyond an offset.
SELECT start_offset, content FROM job_log
WHERE job_id = :job_id AND end_offset > :offset
ORDER BY start_offset;

-- name: read_stream$
-- The result stream of a job from an offset on.
SELECT string_agg(content, '' ORDER BY start_offset) FROM job_stream WHERE job_id = :job_id AND start_offset >= :offset;

-- name: find_outcomes
-- How jobs ended: those of them that have.
SELECT id, status, coalesce(result, 'null'::json)::text AS result FROM job_completed WHERE id = ANY (:ids::uuid[]);

-- name: find_visible_outcome^
-- The same, for those who may see the job: row level security decides on `job`.
SELECT c.status, coalesce(c.result, 'null'::json)::text AS result, q.running
FROM job j LEFT JOIN job_completed c USING (id) LEFT JOIN job_queue q USING (id)
WHERE j.id = :id AND j.workspace_id = :workspace;

-- name: find_state^
-- Where a visible job stands, for those who watch it.
SELECT q.running, q.progress, coalesce(q.mem_peak, c.mem_peak) AS mem_peak, c.status,
       (SELECT coalesce(max(end_offset), 0) FROM job_log l WHERE l.job_id = j.id) AS log_offset
FROM job j LEFT JOIN job_queue q USING (id) LEFT JOIN job_completed c USING (id)
WHERE j.id = :id AND j.workspace_id = :workspace;

-- name: find_job^
-- One visible job with everything.
SELECT j.id, j.workspace_id, j.kind, j.runnable_path, j.runnable_hash, j.language, j.raw_code, j.raw_lock, s.content,
       j.args::text AS args, j.tag, j.timeout, j.priority, j.parent_job, j.root_job, j.created_by, j.permissioned_as,
       j.permissioned_as_email, j.trigger_kind, j.trigger_path, j.visible_to_owner, j.created_at,
       q.scheduled_for, q.running, q.last_ping, coalesce(q.started_at, c.started_at) AS started_at,
       coalesce(q.worker, c.worker) AS worker, coalesce(q.canceled_by, c.canceled_by) AS canceled_by,
       coalesce(q.canceled_reason, c.canceled_reason) AS canceled_reason, coalesce(q.mem_peak, c.mem_peak) AS mem_peak,
       coalesce(q.sandbox_tier, c.sandbox_tier) AS sandbox_tier,
       coalesce(q.sandbox_policy, c.sandbox_policy) AS sandbox_policy, q.progress, c.status, c.result::text AS result, c.completed_at, c.duration_ms, c.labels, c.deleted
FROM job j
LEFT JOIN job_queue q USING (id)
LEFT JOIN job_completed c USING (id)
LEFT JOIN script s ON s.workspace_id = j.workspace_id AND s.hash = j.runnable_hash AND j.raw_code IS NULL
WHERE j.id = :id AND j.workspace_id = :workspace;

-- name: find_args$
-- The arguments of a visible job.
SELECT args::text FROM job WHERE id = :id AND workspace_id = :workspace;

-- name: list_jobs
-- Visible jobs by filters, newest first or oldest first. jsonb has no NUL, so what holds one matches no filter by value.
SELECT j.id, j.workspace_id, j.kind, j.runnable_path, j.runnable_hash, j.language, j.tag, j.priority, j.parent_job,
       j.root_job, j.created_by, j.permissioned_as, j.permissioned_as_email, j.trigger_kind, j.trigger_path,
       j.visible_to_owner, j.created_at, q.scheduled_for, q.running, q.last_ping,
       coalesce(q.started_at, c.started_at) AS started_at, coalesce(q.worker, c.worker) AS worker,
       coalesce(q.canceled_by, c.canceled_by) AS canceled_by,
       coalesce(q.canceled_reason, c.canceled_reason) AS canceled_reason, coalesce(q.mem_peak, c.mem_peak) AS mem_peak,
       coalesce(q.sandbox_tier, c.sandbox_tier) AS sandbox_tier,
       coalesce(q.sandbox_policy, c.sandbox_policy) AS sandbox_policy, q.progress, c.status, c.completed_at,
       c.duration_ms, c.labels, c.deleted
FROM job j
LEFT JOIN job_queue q USING (id)
LEFT JOIN job_completed c USING (id)
WHERE j.workspace_id = :workspace
  AND (:place::text IS NULL OR (:place = 'queue') = (c.id IS NULL))
  AND (:success::boolean IS NULL OR (c.status IN ('success', 'skipped')) = :success)
  AND (:running::boolean IS NULL OR (c.id IS NULL AND q.running = :running))
  AND (:canceled::boolean IS NULL OR (c.status = 'canceled') = :canceled)
  AND (:dead_letter::boolean IS NULL OR c.dead_letter = :dead_letter)
  AND (:path_exact::text IS NULL OR j.runnable_path = :path_exact)
  AND (:path_start::text IS NULL OR starts_with(j.runnable_path, :path_start))
  AND (:hash::bigint IS NULL OR j.runnable_hash = :hash)
  AND (:created_by::text IS NULL OR j.created_by = :created_by)
  AND (:created_before::timestamptz IS NULL OR j.created_at < :created_before)
  AND (:created_after::timestamptz IS NULL OR j.created_at > :created_after)
  AND (:started_before::timestamptz IS NULL OR coalesce(q.started_at, c.started_at) < :started_before)
  AND (:started_after::timestamptz IS NULL OR coalesce(q.started_at, c.started_at) > :started_after)
  AND (:kinds::text[] IS NULL OR j.kind = ANY (:kinds))
  AND (:parent_job::uuid IS NULL OR j.parent_job = :parent_job)
  AND (:has_null_parent::boolean IS NULL OR (j.parent_job IS NULL) = :has_null_parent)
  AND (:tag::text IS NULL OR j.tag = :tag)
  AND (:worker::text IS NULL OR coalesce(q.worker, c.worker) = :worker)
  AND (:label::text IS NULL OR :label = ANY (c.labels))
  AND (:trigger_kind::text IS NULL OR j.trigger_kind = :trigger_kind)
  AND (:args::jsonb IS NULL OR CASE WHEN strpos(j.args::text, '\u0000') = 0 THEN j.args::jsonb @> :args END)
  AND (:result::jsonb IS NULL OR CASE WHEN strpos(c.result::text, '\u0000') = 0 THEN c.result::jsonb @> :result END)
  AND (:due::boolean IS NULL OR q.scheduled_for IS NULL OR (q.scheduled_for <= now()) = :due)
ORDER BY CASE WHEN :ascending::boolean THEN j.created_at END, CASE WHEN NOT :ascending::boolean THEN j.created_at END DESC
LIMIT :per_page OFFSET :skip;

-- name: count_queue^
-- Waiting and suspended jobs of a workspace.
SELECT count(*) AS database_length, 0 AS suspended FROM job_queue
WHERE workspace_id = :workspace AND NOT running AND scheduled_for <= now();

-- name: count_completed$
-- Completed jobs of a workspace.
SELECT count(*) FROM job_completed WHERE workspace_id = :workspace;

-- name: count_completed_by$
-- Completed jobs of a workspace by filters.
SELECT count(*) FROM job_completed c JOIN job j USING (id)
WHERE c.workspace_id = :workspace
  AND (:success::boolean IS NULL OR (c.status IN ('success', 'skipped')) = :success)
  AND (:seconds::integer IS NULL OR c.completed_at > now() - make_interval(secs => :seconds))
  AND (:tags::text[] IS NULL OR j.tag = ANY (:tags));

-- name: count_waiting$
-- Jobs of a tag that wait for a worker, for callers that refuse to join a long queue.
SELECT count(*) FROM job_queue
WHERE workspace_id = :workspace AND NOT running AND scheduled_for <= now() AND tag = :tag;

-- name: position_in_queue$
-- How many waiting jobs of a workspace are due before a moment.
SELECT count(*) FROM job_queue
WHERE workspace_id = :workspace AND NOT running AND scheduled_for < to_timestamp(:milliseconds::double precision / 1000);

-- name: count_by_tag
-- Completed jobs of every workspace by tag, within a horizon.
SELECT j.tag, count(*) AS count FROM job_completed c JOIN job j USING (id)
WHERE c.completed_at > now() - make_interval(secs => :horizon::integer)
  AND (:workspace::text IS NULL OR c.workspace_id = :workspace)
GROUP BY j.tag ORDER BY j.tag;

-- name: database_clock$
-- The database's clock in milliseconds since 1970.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- name: set_progress$
-- Note the progress of a running job.
WITH moved AS (
    UPDATE job_queue SET progress = :percent WHERE id = :id AND workspace_id = :workspace RETURNING id
)
SELECT count(pg_notify('job_progress', id::text)) FROM moved;

-- name: get_progress$
-- The progress of a visible job.
SELECT coalesce(q.progress, c.progress) FROM job j LEFT JOIN job_queue q USING (id) LEFT JOIN job_completed c USING (id)
WHERE j.id = :id AND j.workspace_id = :workspace;

-- name: worker_is_draining$
-- Whether the worker of a running job is about to stop.
SELECT coalesce((SELECT p.draining FROM job_queue q JOIN worker_ping p USING (worker) WHERE q.id = :id), false);

-- name: erase_completed$
-- Wipe what a completed job carried; its row stays for the counts.
UPDATE job_completed SET deleted = true, result = NULL WHERE id = :id AND workspace_id = :workspace RETURNING id;

-- name: ping_worker!
-- A worker says that it lives.
INSERT INTO worker_ping (worker, worker_instance, worker_group, tags, version, tier, slots, draining, jobs_executed)
VALUES (:worker, :instance, :worker_group, :tags, :version, :tier, :slots, :draining, :jobs_executed)
ON CONFLICT (worker) DO UPDATE
SET last_ping = now(), draining = excluded.draining, jobs_executed = excluded.jobs_executed, tags = excluded.tags;

-- name: remove_worker!
-- A worker says goodbye.
DELETE FROM worker_ping WHERE worker = :worker OR last_ping < now() - interval '1 day';

-- name: list_workers
-- Workers heard of in the last :silence seconds.
SELECT worker, worker_instance, worker_group, tags, version, tier, slots, draining, jobs_executed, started_at,
       extract(epoch FROM now() - last_ping)::integer AS last_ping
FROM worker_ping WHERE last_ping > now() - make_interval(secs => :silence::integer) ORDER BY worker;
