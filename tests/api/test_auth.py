"""Logging in, the session cookie, tokens, and who is let in at all: over HTTP."""

import uuid
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import httpx2
import pytest
import pytest_asyncio

from support.api import PASSWORD, make_member, make_token, running_api
from support.postgres import fresh_database
from windlass.auth import accounts

CROSS_SITE = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}


def unique(word: str) -> str:
    return f"{word}_{uuid.uuid4().hex[:8]}"


def from_address(api, address: str):
    """The same application seen from another peer."""
    transport = httpx2.ASGITransport(app=api.http._transport.app, client=(address, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000")


async def log_in(api, email: str, password: str = PASSWORD, **kwargs):
    """A login from an address of its own, so that tests do not count against each other."""
    async with from_address(api, unique("peer")) as http:
        return await http.post("/api/auth/login", json={"email": email, "password": password}, **kwargs)


async def account(api, **options) -> str:
    email = f"{unique('person')}@example.com"
    async with api.database.system() as tx:
        await accounts.create(tx, email=email, password=PASSWORD, **options)
    return email


async def test_login_gives_a_session_as_text_and_as_a_strict_cookie(api):
    email = await account(api)
    response = await log_in(api, email.upper())
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    cookie = SimpleCookie(response.headers["set-cookie"])["token"]
    assert cookie.value == response.text
    assert cookie["httponly"] and cookie["samesite"] == "strict" and cookie["path"] == "/"
    assert cookie["max-age"] == str(7 * 24 * 3600)
    assert not cookie["secure"] and not cookie["domain"]
    assert (await api.as_token(response.text).get("/users/email")).text == email


async def test_a_wrong_password_and_an_unknown_account_answer_the_same(api):
    wrong = await log_in(api, await account(api), "not the password")
    unknown = await log_in(api, "nobody@example.com", "not the password")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text == unknown.text
    assert "set-cookie" not in wrong.headers


async def test_a_disabled_account_is_out_at_once(api):
    email = await account(api)
    session = (await log_in(api, email)).text
    disabled = await api.post(f"/users/update/{email}", json={"disabled": True})
    assert disabled.status_code == 200, disabled.text
    assert (await api.as_token(session).get("/users/whoami")).status_code == 401
    assert (await log_in(api, email)).status_code == 401


async def test_the_eleventh_failed_login_of_an_account_must_wait(api):
    email = await account(api)
    codes = [(await log_in(api, email, "wrong")).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    refused = await log_in(api, email)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


async def test_the_eleventh_failed_login_of_an_address_must_wait(api):
    async with from_address(api, unique("attacker")) as http:
        for number in range(10):
            body = {"email": f"guess{number}@example.com", "password": "wrong"}
            assert (await http.post("/api/auth/login", json=body)).status_code == 401
        last = await http.post("/api/auth/login", json={"email": await account(api), "password": PASSWORD})
    assert last.status_code == 429


async def test_good_logins_do_not_count_as_failures(api):
    email = await account(api)
    assert {(await log_in(api, email)).status_code for _ in range(12)} == {200}


@pytest.mark.parametrize(
    ("address", "headers", "expected"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 401),
        ("127.0.0.1", {"forwarded": "for=127.0.0.1"}, 401),
        ("192.0.2.7", {}, 401),
    ],
)
async def test_the_first_login_works_from_this_machine_only(api, address, headers, expected):
    email = await account(api, loopback_only=True)
    body = {"email": email, "password": PASSWORD}
    async with from_address(api, address) as http:
        assert (await http.post("/api/auth/login", json=body, headers=headers)).status_code == expected


@pytest.mark.parametrize("host", ["evil.example:8000", "localhost.evil.example:8000", "192.0.2.7:8000"])
async def test_a_page_whose_name_was_made_to_lead_here_cannot_use_the_first_login(api, host):
    email = await account(api, loopback_only=True)
    body = {"email": email, "password": PASSWORD}
    async with from_address(api, "127.0.0.1") as http:
        assert (await http.post("/api/auth/login", json=body, headers={"host": host})).status_code == 401


async def test_a_login_too_long_to_count_is_refused(api):
    assert (await log_in(api, uuid.uuid4().hex * 1000)).status_code == 400


async def test_behind_https_the_cookie_is_secure_and_has_the_chosen_domain(postgres):
    async with fresh_database(postgres) as urls:
        settings = {"base_url": "https://windlass.example", "cookie_domain": "windlass.example"}
        async with running_api(urls, **settings) as api:
            response = await log_in(api, accounts.FIRST_EMAIL)
    cookie = SimpleCookie(response.headers["set-cookie"])["token"]
    assert cookie["secure"] and cookie["domain"] == "windlass.example"


@pytest_asyncio.fixture
async def session(api):
    """A client that has nothing but the cookie of a session of a new person."""
    token = (await log_in(api, await account(api))).text

    async def call(method: str, path: str, **headers: str):
        return await api.as_token(None).call(method, path, headers={"cookie": f"token={token}", **headers}, json={})

    return call


async def test_a_cookie_reads_from_everywhere(session):
    assert (await session("GET", "/users/whoami", **CROSS_SITE)).status_code == 200


async def test_a_cookie_from_another_site_changes_nothing(session):
    for headers in (CROSS_SITE, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"},
                    {"origin": "https://evil.example"}, {"origin": "null"}):  # fmt: skip
        assert (await session("POST", "/users/tokens/create", **headers)).status_code == 403, headers
        assert (await session("POST", "/auth/logout", **headers)).status_code == 403, headers


async def test_a_cookie_acts_for_our_own_pages_and_for_clients_that_are_no_browser(session):
    for headers in ({}, {"sec-fetch-site": "same-origin"}, {"origin": "http://localhost:8000"},
                    {"x-windlass-ui": "1", "sec-fetch-site": "same-site"}):  # fmt: skip
        assert (await session("POST", "/users/tokens/create", **headers)).status_code == 201, headers


async def test_logout_ends_the_session_and_takes_the_cookie_back(session):
    response = await session("POST", "/auth/logout")
    assert response.status_code == 200
    assert SimpleCookie(response.headers["set-cookie"])["token"]["max-age"] == "0"
    assert (await session("GET", "/users/whoami")).status_code == 401


async def test_logout_does_not_delete_a_token_that_a_person_made(api):
    member = await make_member(api, unique("keeps"))
    assert (await member.post("/auth/logout")).status_code == 200
    assert (await member.get("/users/whoami")).status_code == 200


async def test_nobody_gets_in_without_a_token(anonymous):
    for method, path in (
        ("GET", "/users/whoami"),
        ("GET", "{ws}/users/list"),
        ("POST", "{ws}/folders/create"),
    ):
        response = await anonymous.call(method, path, json={})
        assert response.status_code == 401
        assert response.headers["content-type"].startswith("text/plain")


async def test_an_unknown_token_is_nobody(anonymous):
    for token in ("nonsense", "wj_nonsense", "wj_" + "A" * 70, ""):
        assert (await anonymous.as_token(token).get("/users/whoami")).status_code == 401


async def test_whoami_tells_the_account_in_the_protocols_shape(api):
    person = (await api.get("/users/whoami")).json()
    assert person["email"] == accounts.FIRST_EMAIL
    assert person["super_admin"] is True and person["verified"] is True and person["disabled"] is False
    assert (person["login_type"], person["role_source"]) == ("password", "manual")
    assert person["must_change_password"] is False


async def test_a_new_password_ends_the_other_sessions_only(api):
    email = await account(api, must_change_password=True)
    mine, other = (await log_in(api, email)).text, (await log_in(api, email)).text
    assert (await api.as_token(mine).get("/users/whoami")).json()["must_change_password"] is True
    answer = await api.as_token(mine).post("/users/setpassword", json={"password": "another long one"})
    assert answer.status_code == 200
    assert (await api.as_token(mine).get("/users/whoami")).json()["must_change_password"] is False
    assert (await api.as_token(other).get("/users/whoami")).status_code == 401
    assert (await log_in(api, email)).status_code == 401
    assert (await log_in(api, email, "another long one")).status_code == 200


@pytest.mark.parametrize("password", ["short", "changeme"])
async def test_a_bad_password_is_refused(api, password):
    member = await make_member(api, unique("chooser"))
    assert (await member.post("/users/setpassword", json={"password": password})).status_code == 400
    body = {"email": f"{unique('x')}@example.com", "password": password}
    assert (await api.post("/users/create", json=body)).status_code == 400


async def create_token(api, **body) -> httpx2.Response:
    return await api.post("/users/tokens/create", json=body)


async def test_a_token_is_made_listed_and_deleted(api):
    member = await make_member(api, unique("maker"))
    made = await create_token(member, label="deploy")
    assert made.status_code == 201
    assert made.headers["content-type"].startswith("text/plain")
    prefix = made.text[:10]
    listed = (await member.get("/users/tokens/list")).json()
    [entry] = [entry for entry in listed if entry["token_prefix"] == prefix]
    assert entry["label"] == "deploy" and entry["read_only"] is False
    assert (await member.as_token(made.text).get("/users/whoami")).status_code == 200
    assert (await member.delete(f"/users/tokens/delete/{prefix}")).status_code == 200
    assert (await member.as_token(made.text).get("/users/whoami")).status_code == 401
    assert (await member.delete(f"/users/tokens/delete/{prefix}")).status_code == 404


async def test_nobody_sees_or_deletes_the_token_of_another(api):
    owner, thief = await make_member(api, unique("owner")), await make_member(api, unique("thief"))
    token = (await create_token(owner, label="mine")).text
    assert token[:10] not in (await thief.get("/users/tokens/list")).text
    assert (await thief.delete(f"/users/tokens/delete/{token[:10]}")).status_code == 404
    assert (await owner.as_token(token).get("/users/whoami")).status_code == 200


async def test_sessions_are_listed_only_when_asked(api):
    token = (await log_in(api, await account(api))).text
    person = api.as_token(token)
    assert len((await person.get("/users/tokens/list")).json()) == 1
    assert (await person.get("/users/tokens/list?exclude_ephemeral=true")).json() == []


async def test_a_token_dies_at_its_expiration(api):
    member = await make_member(api, unique("late"))
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    assert (await create_token(member, expiration=past)).status_code == 400
    email = (await member.get("/users/email")).text
    async with api.database.system() as tx:
        dead = await make_token(tx, email, expiration=datetime.now(UTC) - timedelta(seconds=1))
        alive = await make_token(tx, email, expiration=datetime.now(UTC) + timedelta(hours=1))
    assert (await api.as_token(dead).get("/users/whoami")).status_code == 401
    assert (await api.as_token(alive).get("/users/whoami")).status_code == 200


async def test_scopes_narrow_a_token_and_what_it_can_make(api):
    member = await make_member(api, unique("scoped"))
    token = (await create_token(member, scopes=["folders:read", "tokens:self"])).text
    scoped = member.as_token(token)
    assert (await scoped.get("{ws}/folders/list")).status_code == 200
    assert (await scoped.post("{ws}/folders/create", json={"name": unique("f")})).status_code == 403
    assert (await scoped.get("{ws}/users/list")).status_code == 403
    assert (await create_token(scoped)).status_code == 403
    assert (await create_token(scoped, scopes=["folders:read", "folders:write"])).status_code == 403
    narrower = await create_token(scoped, scopes=["folders:read"])
    assert narrower.status_code == 201
    assert (await member.as_token(narrower.text).get("{ws}/folders/list")).status_code == 200
    assert (await create_token(member.as_token(narrower.text), scopes=["folders:read"])).status_code == 403


async def test_a_token_without_any_scope_opens_nothing(api):
    member = await make_member(api, unique("nothing"))
    token = (await create_token(member, scopes=[])).text
    assert (await member.as_token(token).get("{ws}/folders/list")).status_code == 403
    assert (await member.as_token(token).get("/users/whoami")).status_code == 403


async def test_a_token_that_was_lent_out_makes_none_that_outlives_it(api):
    member = await make_member(api, unique("lender"))
    end = datetime.now(UTC) + timedelta(hours=1)
    lent = member.as_token((await create_token(member, expiration=end.isoformat(), label="lent")).text)
    for wanted in (None, (end + timedelta(days=1)).isoformat()):
        assert (await create_token(lent, expiration=wanted, label="made")).status_code == 201
    made = [found for found in (await member.get("/users/tokens/list")).json() if found["label"] == "made"]
    assert [datetime.fromisoformat(found["expiration"]) for found in made] == [end, end]


@pytest.mark.parametrize(
    "limit", [{"scopes": ["tokens:self"]}, {"workspace_id": "main"}, {"expiration": "2100-01-01T00:00:00Z"}]
)
async def test_a_token_with_a_limit_does_not_set_the_password_that_has_none(api, limit):
    member = await make_member(api, unique("limited"))
    limited = member.as_token((await create_token(member, **limit)).text)
    assert (await limited.post("/users/setpassword", json={"password": "a long new one"})).status_code == 403
    assert (await member.post("/users/setpassword", json={"password": "a long new one"})).status_code == 200


async def test_a_read_only_token_changes_nothing_at_all(api):
    member = await make_member(api, unique("reader"))
    reader = member.as_token((await create_token(member, read_only=True)).text)
    assert (await reader.get("{ws}/folders/list")).status_code == 200
    assert (await reader.post("{ws}/folders/create", json={"name": unique("f")})).status_code == 403
    assert (await reader.post("/users/setpassword", json={"password": "a long new one"})).status_code == 403
    assert (await create_token(reader)).status_code == 403


async def test_a_token_for_one_workspace_carries_nothing_outside_of_it(api):
    other = unique("other")
    assert (await api.post("/workspaces/create", json={"id": other, "name": "Other"})).status_code == 201
    bound = api.as_token((await create_token(api, workspace_id=api.workspace)).text)
    assert (await bound.get("{ws}/users/list")).status_code == 200
    assert (await bound.get(f"/w/{other}/users/list")).status_code == 403
    assert (await bound.get("/users/list_as_super_admin")).status_code == 403
    assert (await create_token(bound, workspace_id=other)).status_code == 403
    made = bound.as_token((await create_token(bound)).text)
    assert (await made.get(f"/w/{other}/users/list")).status_code == 403
    assert [found["id"] for found in (await bound.get("/workspaces/list")).json()] == [api.workspace]


async def test_a_stranger_cannot_tell_a_workspace_from_none(api):
    stranger = api.as_token((await log_in(api, await account(api))).text)
    real, none = await stranger.get("{ws}/users/list"), await stranger.get("/w/nowhere/users/list")
    assert (real.status_code, none.status_code) == (403, 403)
    assert real.text.replace(api.workspace, "") == none.text.replace("nowhere", "")
    assert (await api.get("/w/nowhere/users/list")).status_code == 404


async def test_the_virtual_superadmin_needs_no_account(postgres):
    secret = "s" * 40
    async with fresh_database(postgres) as urls, running_api(urls, superadmin_secret=secret) as api:
        virtual = api.as_token(secret)
        assert (await virtual.get("/users/whoami")).json()["super_admin"] is True
        assert (await virtual.get("{ws}/users/whoami")).json()["is_admin"] is True
        body = {"id": "made", "name": "Made"}
        assert (await virtual.post("/workspaces/create", json=body)).status_code == 201
        assert (await virtual.get("/w/made/users/list")).json() == []
        assert (await create_token(virtual)).status_code == 400
        assert (await api.as_token(secret[:-1] + "x").get("/users/whoami")).status_code == 401


async def test_the_server_tells_its_version_and_health_to_anybody(anonymous):
    version = await anonymous.get("/version")
    assert version.text.startswith("CE v1.") and version.headers["x-windlass-version"]
    assert (await anonymous.get("/ready")).status_code == 200
    assert (await anonymous.get("/health/status")).json() == {"status": "healthy", "database_healthy": True}
    assert "/api/users/whoami" in (await anonymous.get("/openapi.json")).json()["paths"]
    assert (await anonymous.get("/no/such/thing")).status_code == 404


async def test_without_its_database_the_server_is_not_ready(postgres):
    async with fresh_database(postgres) as urls, running_api(urls) as api:
        await api.database.close()
        anonymous = api.as_token(None)
        assert (await anonymous.get("/ready")).status_code == 503
        assert (await anonymous.get("/health/status")).json()["status"] == "unhealthy"
        away = await api.get("/users/whoami")
        assert away.status_code == 503 and away.headers["retry-after"]
