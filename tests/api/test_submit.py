"""Submitting over HTTP: what is remembered between requests gives nobody more than they have, batches, keys, and many
clients at once."""

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from support.api import PASSWORD, make_member, make_token
from support.runs import until
from windlass.auth import tokens
from windlass.auth.identity import MEMORY_S
from windlass.maintenance import expirer

CODE = "def main(n: int = 0):\n    return n\n"
HERE = "u/admin/echo"
SOON_S = 1.0


async def deploy(api, path, content=CODE, **fields):
    """The hash of a deployed script, whose lock is given."""
    body = {"path": path, "content": content, "language": "python3", "summary": "", "lock": "", "auto_parent": True}
    response = await api.post("{ws}/scripts/create", json=body | fields)
    assert response.status_code == 201, response.text
    return response.text


async def run(client, path=HERE, args=None, **options):
    """The answer to an asynchronous run."""
    return await client.post(f"{{ws}}/jobs/run/p/{path}", json=args or {}, **options)


async def refused(call, status):
    """Pass when the call is refused within a second."""

    async def look():
        return (await call()).status_code == status

    await until(look, SOON_S)


async def count(database, condition, *values):
    """How many jobs there are."""
    async with database.system() as tx:
        return await tx.connection.fetchval(f"SELECT count(*) FROM job WHERE {condition}", *values)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def script(api):
    """A deployed script of the admin."""
    return await deploy(api, HERE)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def team(api, dev):
    """A folder that the developer may read."""
    body = {"name": "team", "extra_perms": {"u/dev": False}}
    assert (await api.post("{ws}/folders/create", json=body)).status_code in (200, 201)
    await deploy(api, "f/team/echo")


# What is remembered


async def test_memory_is_shorter_than_a_second():
    assert MEMORY_S < SOON_S


async def test_a_revoked_token_is_refused_within_a_second(api, script):
    made = await api.post("/users/tokens/create", json={"label": "soon gone"})
    client = api.as_token(made.text)
    assert (await run(client)).status_code == 201
    assert (await api.delete(f"/users/tokens/delete/{made.text[:10]}")).status_code == 200
    await refused(lambda: run(client), 401)


async def test_a_token_deleted_behind_the_servers_back_is_refused_within_a_second(api, database, script):
    async with database.system() as tx:
        client = api.as_token(await make_token(tx, "admin@windmill.dev"))
    assert (await run(client)).status_code == 201
    async with database.system() as tx:
        await tx.connection.execute("DELETE FROM token WHERE token_prefix = $1", client.token[:10])
    await refused(lambda: run(client), 401)


async def test_an_expired_token_is_refused_within_a_second(api, database, script):
    async with database.system() as tx:
        client = api.as_token(await make_token(tx, "admin@windmill.dev"))
    assert (await run(client)).status_code == 201
    async with database.system() as tx:
        await tx.connection.execute("UPDATE token SET expiration = now() WHERE token_prefix = $1", client.token[:10])
    await refused(lambda: run(client), 401)


async def test_memory_ends_by_itself_when_the_news_is_lost(api, urls, database, script):
    async with database.system() as tx:
        client = api.as_token(await make_token(tx, "admin@windmill.dev"))
    assert (await run(client)).status_code == 201
    connection = await asyncpg.connect(urls.owner)
    try:
        await connection.execute("SET session_replication_role = replica")  # no triggers, so no news
        await connection.execute("DELETE FROM token WHERE token_prefix = $1", client.token[:10])
    finally:
        await connection.close()
    await refused(lambda: run(client), 401)


async def test_a_session_ends_with_its_logout(api, script):
    for _ in range(3):
        login = await api.post("/auth/login", json={"email": "admin@windmill.dev", "password": PASSWORD})
        client = api.as_token(login.text)
        assert (await run(client)).status_code == 201
        assert (await client.post("/auth/logout")).status_code == 200
        assert (await run(client)).status_code == 401


async def test_a_job_token_is_refused_within_a_second_after_its_job(api, database, script):
    job_id = UUID((await run(api)).text)
    async with database.system() as tx:
        await tx.connection.execute(
            "UPDATE job_queue SET running = true, worker = 'w', epoch = 1, last_ping = now() WHERE id = $1", job_id
        )
        key = await tokens.job_key(tx)
    client = api.as_token(tokens.sign_job(key, tokens.JobClaim(job_id=job_id, epoch=1)))
    assert (await run(client)).status_code == 201
    assert (await client.post("/w/nowhere/jobs/run/p/u/admin/echo", json={})).status_code == 403
    async with database.system() as tx:
        await tx.connection.execute("DELETE FROM job_queue WHERE id = $1", job_id)
    await refused(lambda: run(client), 401)


async def test_a_removed_member_is_refused_within_a_second(api, script):
    member = await make_member(api, "leaver", is_admin=True)
    assert (await run(member)).status_code == 201
    assert (await api.delete("{ws}/users/delete/leaver")).status_code == 200
    await refused(lambda: run(member), 403)


async def test_a_disabled_account_is_refused_within_a_second(api, database, script):
    member = await make_member(api, "disabled", is_admin=True)
    assert (await run(member)).status_code == 201
    async with database.system() as tx:
        await tx.connection.execute("UPDATE account SET disabled = true WHERE email = 'disabled@example.com'")
    await refused(lambda: run(member), 401)


async def test_a_folder_that_is_closed_refuses_within_a_second_and_one_that_is_opened_lets_in_at_once(api, dev, team):
    assert (await run(dev, "f/team/echo")).status_code == 201
    closed = await api.post("{ws}/folders/update/team", json={"extra_perms": {}})
    assert closed.status_code == 200, closed.text
    await refused(lambda: run(dev, "f/team/echo"), 404)
    assert (await api.post("{ws}/folders/update/team", json={"extra_perms": {"u/dev": False}})).status_code == 200
    assert (await run(dev, "f/team/echo")).status_code == 201


async def test_a_script_that_is_no_longer_shared_refuses_at_once(api, database, dev):
    shared = await deploy(api, "u/admin/shared")
    for sharing, status in (('{"u/dev": false}', 201), ("{}", 404), ('{"g/all": false}', 201)):
        async with database.system() as tx:
            await tx.connection.execute(
                "UPDATE script SET extra_perms = $1::text::jsonb WHERE path = 'u/admin/shared'", sharing
            )
        assert (await run(dev, "u/admin/shared")).status_code == status
        assert (await dev.post(f"{{ws}}/jobs/run/h/{shared}", json={})).status_code == status


async def test_a_new_version_is_run_at_once(api):
    for number in range(5):
        deployed = await deploy(api, "u/admin/moving", f"def main(): return {number}")
        job_id = (await run(api, "u/admin/moving")).text
        assert (await api.get(f"{{ws}}/jobs_u/get/{job_id}")).json()["script_hash"] == deployed


async def test_a_new_schema_holds_at_once_in_both_directions(api):
    wide, narrow = "def main(n: str | int): ...", "def main(n: int): ..."
    await deploy(api, "u/admin/schema", narrow)
    assert (await run(api, "u/admin/schema", {"n": 1})).status_code == 201
    assert (await run(api, "u/admin/schema", {"n": "x"})).status_code == 400
    await deploy(api, "u/admin/schema", wide)
    assert (await run(api, "u/admin/schema", {"n": "x"})).status_code == 201
    await deploy(api, "u/admin/schema", narrow)
    assert (await run(api, "u/admin/schema", {"n": "x"})).status_code == 400


async def test_an_archived_script_is_gone_at_once(api):
    number = await deploy(api, "u/admin/archived")
    assert (await run(api, "u/admin/archived")).status_code == 201
    assert (await api.post("{ws}/scripts/archive/p/u/admin/archived")).status_code == 200
    assert (await run(api, "u/admin/archived")).status_code == 404
    assert (await api.post(f"{{ws}}/jobs/run/h/{number}", json={})).status_code == 201


async def test_an_operator_runs_what_is_deployed_and_nothing_else(api, operator, team):
    assert await api.post("{ws}/folders/update/team", json={"extra_perms": {"u/operator": False, "u/dev": False}})
    preview = {"content": CODE, "language": "python3", "args": {}}
    for _ in range(3):
        assert (await run(operator, "f/team/echo")).status_code == 201
        assert (await run(operator)).status_code == 404
        for route in ("run/preview", "run_wait_result/preview", "run_inline/preview"):
            assert (await operator.post(f"{{ws}}/jobs/{route}", json=preview)).status_code == 403


@pytest.mark.parametrize("scopes, runs, previews", [
    (["jobs:run"], 201, 403), (["jobs:run:scripts:u/admin/*"], 201, 403), (["jobs:run:scripts:f/team/*"], 403, 403),
    (["jobs:read"], 403, 403), (["jobs:preview"], 403, 201), ([], 403, 403),
])  # fmt: skip
async def test_a_narrowed_token_stays_narrow_when_it_is_remembered(api, database, script, scopes, runs, previews):
    async with database.system() as tx:
        client = api.as_token(await make_token(tx, "admin@windmill.dev", scopes=scopes))
    for _ in range(3):
        assert (await run(client)).status_code == runs
        assert (await client.post(f"{{ws}}/jobs/run/h/{script}", json={})).status_code == runs
        assert (await client.post(f"{{ws}}/jobs/run_batch/p/{HERE}", json=[{}])).status_code == runs
        preview = {"content": CODE, "language": "python3", "args": {}}
        assert (await client.post("{ws}/jobs/run/preview", json=preview)).status_code == previews


async def test_a_remembered_token_is_worth_nothing_in_another_workspace(api, dev, team):
    made = await api.post("/workspaces/create", json={"id": "apart", "name": "Apart"})
    assert made.status_code in (200, 201)
    for _ in range(2):
        assert (await run(dev, "f/team/echo")).status_code == 201
        assert (await dev.post("/w/apart/jobs/run/p/f/team/echo", json={})).status_code == 403
        assert (await api.post("/w/nowhere/jobs/run/p/f/team/echo", json={})).status_code == 404


async def test_a_read_only_token_runs_nothing(api, database, script):
    async with database.system() as tx:
        client = api.as_token(await make_token(tx, "admin@windmill.dev", read_only=True))
    for _ in range(2):
        assert (await run(client)).status_code == 403


async def test_a_cookie_from_another_site_runs_nothing(api, script):
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 201), ("cross-site", 403)):
        headers = {"Cookie": f"token={api.token}", "Sec-Fetch-Site": site}
        assert (await run(api.as_token(None), headers=headers)).status_code == status


async def test_nobody_runs_nothing(anonymous, script):
    assert (await run(anonymous)).status_code == 401
    assert (await anonymous.post("{ws}/jobs/run/preview", content=b"not even JSON")).status_code == 401


# Keys


async def test_the_same_request_with_a_key_launches_one_job_however_often_it_comes(api, database, script):
    key = {"Idempotency-Key": uuid4().hex}
    args = {"n": 4711}
    answers = await asyncio.gather(*[run(api, HERE, args, headers=key) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await run(api, HERE, args, headers=key)).text == answers[0].text
    assert await count(database, "args::text = '{\"n\":4711}'") == 1


async def test_a_key_is_good_for_one_request_only(api, dev, script, team):
    key = {"Idempotency-Key": uuid4().hex}
    first = await run(api, "f/team/echo", {"n": 1}, headers=key)
    assert first.status_code == 201
    others = (
        run(api, "f/team/echo", {"n": 2}, headers=key), run(api, HERE, {"n": 1}, headers=key),
        run(dev, "f/team/echo", {"n": 1}, headers=key),
        api.post("{ws}/jobs/run_batch/p/f/team/echo", json=[{"n": 1}], headers=key),
        api.post("{ws}/jobs/run/preview", json={"content": CODE, "language": "python3"}, headers=key),
    )  # fmt: skip
    for answer in await asyncio.gather(*others):
        assert answer.status_code == 409, answer.text
        assert first.text not in answer.text


async def test_a_refused_request_leaves_its_key_free(api, script):
    key = {"Idempotency-Key": uuid4().hex}
    assert (await run(api, HERE, {"n": "x"}, headers=key)).status_code == 400
    assert (await run(api, HERE, {"n": 1}, headers=key)).status_code == 201


async def test_the_same_key_in_another_workspace_is_another_key(api, script):
    key = {"Idempotency-Key": uuid4().hex}
    await api.post("/workspaces/create", json={"id": "keys", "name": "Keys"})
    body = {"content": CODE, "language": "python3"}
    first, second = [await api.post(f"/w/{workspace}/jobs/run/preview", json=body, headers=key)
                     for workspace in ("main", "keys")]  # fmt: skip
    assert (first.status_code, second.status_code) == (201, 201) and first.text != second.text


async def test_every_way_to_run_takes_a_key(api, script):
    preview = {"content": CODE, "language": "python3", "args": {}}
    lock = {"raw_scripts": [{"raw_code": CODE, "language": "python3"}]}
    routes = {f"run/p/{HERE}": {}, f"run/h/{script}": {}, "run/preview": preview, "run/dependencies_async": lock,
              f"run_batch/p/{HERE}": [{}], f"run_batch/h/{script}": [{}]}  # fmt: skip
    for route, body in routes.items():
        key = {"Idempotency-Key": uuid4().hex}
        answers = [await api.post(f"{{ws}}/jobs/{route}", json=body, headers=key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201], route
        assert answers[0].text == answers[1].text, route


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_length(api, script, key):
    assert (await run(api, headers={"Idempotency-Key": key})).status_code == 400


async def test_a_key_and_a_chosen_id_do_not_go_together(api, script):
    answer = await run(api, headers={"Idempotency-Key": "k"}, params={"job_id": str(uuid4())})
    assert answer.status_code == 400 and "job_id" in answer.text


async def test_old_keys_are_forgotten(api, urls, database, script):
    old, young = uuid4().hex, uuid4().hex
    for key in (old, young):
        await run(api, headers={"Idempotency-Key": key})
    connection = await asyncpg.connect(urls.owner)
    try:
        await connection.execute(
            "UPDATE job_idempotency SET created_at = now() - interval '25 hours' WHERE key = $1", old
        )
    finally:
        await connection.close()
    await expirer.duty().work(database)
    async with database.system() as tx:
        left = await tx.connection.fetch("SELECT key FROM job_idempotency WHERE key = ANY ($1)", [old, young])
    assert [row["key"] for row in left] == [young]


async def test_a_chosen_id_answers_itself_again_for_the_same_request_only(api, dev, database, script, team):
    chosen = str(uuid4())
    same = [await run(api, "f/team/echo", {"n": 1}, params={"job_id": chosen}) for _ in range(3)]
    assert [(answer.status_code, answer.text) for answer in same] == [(201, chosen)] * 3
    assert await count(database, "id = $1", UUID(chosen)) == 1
    for other in (run(api, "f/team/echo", {"n": 2}, params={"job_id": chosen}),
                  run(api, HERE, {"n": 1}, params={"job_id": chosen}),
                  run(dev, "f/team/echo", {"n": 1}, params={"job_id": chosen})):  # fmt: skip
        assert (await other).status_code == 409


# Batches


async def test_a_batch_launches_a_job_for_each_of_its_arguments_in_order(api, script):
    given = [{"n": number} for number in range(20)]
    for route in (f"p/{HERE}", f"h/{script}"):
        response = await api.post(f"{{ws}}/jobs/run_batch/{route}", json=given, params={"scheduled_in_secs": 3600})
        assert response.status_code == 201, response.text
        ids = response.json()
        assert len(set(ids)) == 20
        for number, job_id in enumerate(ids):
            found = (await api.get(f"{{ws}}/jobs_u/get/{job_id}")).json()
            assert found.items() >= {"args": {"n": number}, "script_path": HERE, "script_hash": script,
                                     "created_by": "admin", "type": "QueuedJob"}.items()  # fmt: skip


async def test_numbers_of_a_batch_arrive_whole(api):
    await deploy(api, "u/admin/whole", "def main(n): ...")
    large = "123456789012345678901234567890"
    response = await api.post("{ws}/jobs/run_batch/p/u/admin/whole", content=f'[{{"n": {large}}}]'.encode())
    assert large in (await api.get(f"{{ws}}/jobs_u/get_args/{response.json()[0]}")).text


@pytest.mark.parametrize("body, words", [
    (b"", "JSON"), (b"{}", "array"), (b"[]", "1 to 10000"), (b"[{}, 1]", "1: "), (b'[{"n": 1}, {"n": "x"}]', "1: n: "),
    (b"[" + b"{}," * 10_000 + b"{}]", "10001"),
], ids=["nothing", "object", "empty", "number", "misfit", "too many"])  # fmt: skip
async def test_a_bad_batch_launches_nothing_and_says_why(api, database, script, body, words):
    before = await count(database, "true")
    response = await api.post(f"{{ws}}/jobs/run_batch/p/{HERE}", content=body)
    assert response.status_code == 400 and words in response.text
    assert await count(database, "true") == before


async def test_a_batch_with_a_key_is_launched_once(api, database, script):
    key = {"Idempotency-Key": uuid4().hex}
    given = [{"n": 815 + number} for number in range(10)]
    send = [api.post(f"{{ws}}/jobs/run_batch/p/{HERE}", json=given, headers=key) for _ in range(10)]
    answers = await asyncio.gather(*send)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await count(database, "id = ANY ($1)", [UUID(job_id) for job_id in answers[0].json()]) == 10
    assert await count(database, "args::text = '{\"n\":820}'") == 1


async def test_ten_thousand_jobs_go_in_one_request(api, database, script):
    body = json.dumps([{"n": number} for number in range(10_000)])
    response = await api.post(f"{{ws}}/jobs/run_batch/p/{HERE}", content=body.encode())
    ids = [UUID(job_id) for job_id in response.json()]
    assert len(set(ids)) == 10_000 and ids == sorted(ids)
    async with database.system() as tx:
        queued = await tx.connection.fetchval("SELECT count(*) FROM job_queue WHERE id = ANY ($1)", ids)
        noted = await tx.connection.fetchval(
            "SELECT parameters ->> 'jobs' FROM audit_log WHERE parameters ->> 'job' = $1", str(ids[0])
        )
    assert (queued, noted) == (10_000, "10000")


@pytest.mark.parametrize("params", [{"job_id": str(uuid4())}, {"include_header": "X"}, {"include_query": "x"}])
async def test_what_makes_no_sense_for_many_is_refused(api, script, params):
    assert (await api.post(f"{{ws}}/jobs/run_batch/p/{HERE}", json=[{}], params=params)).status_code == 400


# Many at once


async def test_each_of_many_concurrent_runs_gets_its_own_answer(api, database, script):
    chosen = str(uuid4())
    await run(api, HERE, {"n": 1}, params={"job_id": chosen})
    calls = [run(api, HERE, {}, params={"tag": "a\0b"})]
    for number in range(10):
        calls += [run(api, HERE, {"n": number}), run(api, HERE, {"n": "x"}),
                  run(api, HERE, {"n": 2}, params={"job_id": chosen}), run(api, "u/admin/absent")]  # fmt: skip
    unstorable, *answers = await asyncio.gather(*calls)
    assert unstorable.status_code == 400
    assert [answer.status_code for answer in answers] == [201, 400, 409, 404] * 10
    assert len({answer.text for answer in answers[::4]}) == 10


async def test_five_hundred_clients_on_a_small_pool_are_all_answered(api, database, script):
    async with database.system() as tx:
        clients = [api.as_token(await make_token(tx, "admin@windmill.dev")) for _ in range(500)]

    async def use(client, number):
        ran = await run(client, HERE, {"n": number})
        listed = await client.get("{ws}/jobs/list", params={"per_page": 1})
        return ran, listed

    async with asyncio.timeout(120):
        answers = await asyncio.gather(*[use(client, number) for number, client in enumerate(clients)])
    for ran, listed in answers:
        for answer, good in ((ran, 201), (listed, 200)):
            is_busy = answer.status_code in (429, 503) and int(answer.headers["retry-after"]) > 0
            assert answer.status_code == good or is_busy, answer.text
    assert sum(ran.status_code == 201 for ran, _ in answers) > 0
    assert (await run(api)).status_code == 201
