"""Members, groups, folders, workspaces and accounts, over HTTP."""

import uuid

import pytest
import pytest_asyncio

from support.api import PASSWORD, make_member
from windlass.auth import accounts


def unique(word: str) -> str:
    return f"{word}_{uuid.uuid4().hex[:8]}"


@pytest_asyncio.fixture
async def space(api):
    """A workspace of its own, as its superadmin owner."""
    name = unique("space")
    response = await api.post("/workspaces/create", json={"id": name, "name": "Space", "color": "#ff8800"})
    assert response.status_code == 201, response.text
    return type(api)(http=api.http, database=api.database, token=api.token, workspace=name)


async def member(space, word: str = "person", **options):
    """A member with a fresh name, and the name."""
    name = unique(word)
    return await make_member(space, name, **options), name


async def operations(space) -> list[tuple[str, str]]:
    async with space.database.system() as tx:
        rows = await tx.connection.fetch(
            "SELECT operation, action_kind FROM audit_log WHERE workspace_id = $1 ORDER BY id",
            space.workspace,
        )
    return [tuple(row) for row in rows]


async def test_a_new_workspace_has_a_key_the_group_all_the_basic_types_and_its_owner(space):
    assert (await space.post("/workspaces/exists", json={"id": space.workspace})).json() is True
    assert (await space.post("/workspaces/exists", json={"id": "nowhere"})).json() is False
    me = (await space.get("{ws}/users/whoami")).json()
    assert me["is_admin"] is True and me["username"] == "admin" and me["groups"] == ["all"]
    assert (await space.get("{ws}/groups/get/all")).json()["members"] == ["admin"]
    async with space.database.system() as tx:
        key = await tx.connection.fetchval("SELECT key FROM workspace_key WHERE workspace_id = $1", space.workspace)
        types = await tx.connection.fetch("SELECT name FROM resource_type WHERE workspace_id = $1", space.workspace)
    assert len(key) == 64
    names = {row["name"] for row in types}
    assert names >= {"state", "postgresql", "mysql", "http", "slack", "smtp", "s3", "mongodb"}
    assert ("workspaces.create", "Created") in await operations(space)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"id": "Not Valid", "name": "x"}, 400),
        ({"id": "okay-id", "name": "  "}, 400),
        ({"id": "okay-id", "name": "x", "color": "red;"}, 400),
        ({"id": "main", "name": "x"}, 409),
        ({"name": "x"}, 400),
    ],
)
async def test_a_workspace_that_cannot_be_made_says_why(api, body, status):
    response = await api.post("/workspaces/create", json=body)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/plain") and response.text


async def test_only_a_superadmin_creates_workspaces_unless_the_instance_is_open(api):
    person = await make_member(api, unique("maker"))
    body = {"id": unique("mine"), "name": "Mine"}
    assert (await person.post("/workspaces/create", json=body)).status_code == 403
    state = api.http._transport.app.state.windlass
    closed, state.settings = (
        state.settings,
        state.settings.model_copy(update={"create_workspace_require_superadmin": False}),
    )
    try:
        assert (await person.post("/workspaces/create", json=body)).status_code == 201
        scoped = (await person.post("/users/tokens/create", json={"scopes": ["workspaces:list"]})).text
        other = body | {"id": unique("mine")}
        assert (await person.as_token(scoped).post("/workspaces/create", json=other)).status_code == 403
    finally:
        state.settings = closed
    assert (await person.get(f"/w/{body['id']}/users/whoami")).json()["is_admin"] is True


async def test_people_see_the_workspaces_they_are_in(api, space):
    person, name = await member(space)
    assert [found["id"] for found in (await person.get("/workspaces/list")).json()] == [space.workspace]
    mine = (await person.get("/workspaces/users")).json()
    assert mine["email"] == f"{name}@example.com"
    assert [(found["id"], found["username"]) for found in mine["workspaces"]] == [(space.workspace, name)]
    assert (await person.get("/workspaces/list_as_superadmin")).status_code == 403
    assert space.workspace in {found["id"] for found in (await api.get("/workspaces/list_as_superadmin")).json()}


async def test_settings_of_a_workspace_are_changed_by_its_admins(space):
    admin, _ = await member(space, "boss", is_admin=True)
    developer, _ = await member(space)
    assert (await admin.post("{ws}/workspaces/change_workspace_name", json={"new_name": "New"})).status_code == 200
    assert (await admin.post("{ws}/workspaces/change_workspace_color", json={"color": "#123456"})).status_code == 200
    found = (await developer.get("{ws}/workspaces/get_settings")).json()
    assert (found["workspace_id"], found["name"], found["color"]) == (space.workspace, "New", "#123456")
    assert (await developer.get("{ws}/workspaces/get_workspace_name")).text == "New"
    refused = await developer.post("{ws}/workspaces/change_workspace_name", json={"new_name": "Mine"})
    assert refused.status_code == 403
    assert (await operations(space)).count(("workspaces.update", "Updated")) == 2


async def test_an_archived_workspace_is_closed_to_everybody_until_it_is_brought_back(space):
    admin, _ = await member(space, "boss", is_admin=True)
    assert (await admin.post("{ws}/workspaces/archive")).status_code == 200
    assert (await admin.get("{ws}/users/list")).status_code == 403
    assert (await space.get("{ws}/users/list")).status_code == 404
    assert (await admin.get("/workspaces/list")).json() == []
    assert (await admin.post(f"/workspaces/unarchive/{space.workspace}")).status_code == 403
    assert (await space.post(f"/workspaces/unarchive/{space.workspace}")).status_code == 200
    assert (await admin.get("{ws}/users/list")).status_code == 200
    assert {("workspaces.archive", "Updated"), ("workspaces.unarchive", "Updated")} <= set(await operations(space))


async def test_a_workspace_is_deleted_by_a_superadmin_with_all_that_is_in_it(space):
    admin, _ = await member(space, "boss", is_admin=True)
    await admin.post("{ws}/folders/create", json={"name": "team"})
    assert (await admin.delete(f"/workspaces/delete/{space.workspace}")).status_code == 403
    assert (await space.delete(f"/workspaces/delete/{space.workspace}")).status_code == 200
    assert (await space.delete(f"/workspaces/delete/{space.workspace}")).status_code == 404
    assert (await space.get("{ws}/users/list")).status_code == 404


async def test_an_account_is_let_in_by_an_admin(api, space):
    email = f"{unique('new.person')}@example.com"
    body = {"email": email, "is_admin": False, "operator": True}
    assert (await space.post("{ws}/workspaces/add_user", json=body)).status_code == 400
    made = await api.post("/users/create", json={"email": email, "password": PASSWORD, "name": "New"})
    assert made.status_code == 201
    assert (await space.post("{ws}/workspaces/add_user", json=body)).status_code == 201
    assert (await space.post("{ws}/workspaces/add_user", json=body)).status_code == 409
    username = email.split("@")[0].replace(".", "_")
    found = (await space.get(f"{{ws}}/users/get/{username}")).json()
    assert (found["email"], found["name"], found["operator"], found["is_admin"]) == (
        email,
        "New",
        True,
        False,
    )
    assert (await space.get(f"{{ws}}/users/username_to_email/{username}")).text == email
    assert (await space.get("{ws}/users/username_to_email/nobody")).status_code == 404
    assert (await space.post("/workspaces/exists_username", json={"id": space.workspace, "username": username})).json()
    assert ("users.add_to_workspace", "Created") in await operations(space)


async def test_developers_and_operators_let_nobody_in_and_change_nobody(space):
    for options in ({}, {"operator": True}):
        person, name = await member(space, **options)
        assert (await person.post("{ws}/workspaces/add_user", json={"email": "x@example.com"})).status_code == 403
        assert (await person.post(f"{{ws}}/users/update/{name}", json={"is_admin": True})).status_code == 403
        assert (await person.delete("{ws}/users/delete/admin")).status_code == 403
        assert (await person.post("{ws}/groups/create", json={"name": "g"})).status_code == 403


async def test_an_operator_makes_no_folder(space):
    operator, _ = await member(space, operator=True)
    assert (await operator.post("{ws}/folders/create", json={"name": "mine"})).status_code == 403
    assert (await operator.get("{ws}/folders/list")).status_code == 200


async def test_a_role_changes_from_the_next_request_on(space):
    person, name = await member(space)
    assert (await space.post(f"{{ws}}/users/update/{name}", json={"is_admin": True})).status_code == 200
    assert (await person.post("{ws}/groups/create", json={"name": unique("g")})).status_code == 200
    assert (await space.post(f"{{ws}}/users/update/{name}", json={"operator": True})).status_code == 200
    whoami = (await person.get("{ws}/users/whoami")).json()
    assert whoami["operator"] is True and whoami["is_admin"] is False
    both = {"operator": True, "is_admin": True}
    assert (await space.post(f"{{ws}}/users/update/{name}", json=both)).status_code == 400
    assert (await operations(space)).count(("users.update", "Updated")) == 2


async def test_a_disabled_and_a_removed_member_are_out_at_once(space):
    disabled, disabled_name = await member(space)
    removed, removed_name = await member(space)
    assert (await disabled.get("{ws}/users/whoami")).status_code == 200
    assert (await space.post(f"{{ws}}/users/update/{disabled_name}", json={"disabled": True})).status_code == 200
    assert (await disabled.get("{ws}/users/whoami")).status_code == 403
    assert (await removed.get("{ws}/users/whoami")).status_code == 200
    assert (await space.delete(f"{{ws}}/users/delete/{removed_name}")).status_code == 200
    assert (await removed.get("{ws}/users/whoami")).status_code == 403
    assert (await removed.get("/users/whoami")).status_code == 200
    assert (await space.delete(f"{{ws}}/users/delete/{removed_name}")).status_code == 404
    assert ("users.delete", "Delete") in await operations(space)


async def test_the_last_admin_can_be_neither_demoted_nor_disabled_nor_removed(api, space):
    boss, name = await member(space, "boss", is_admin=True)
    assert (await boss.delete("{ws}/users/delete/admin")).status_code == 200
    for change in ({"is_admin": False}, {"operator": True}, {"disabled": True}):
        assert (await space.post(f"{{ws}}/users/update/{name}", json=change)).status_code == 409, change
    assert (await space.delete(f"{{ws}}/users/delete/{name}")).status_code == 409
    assert (await boss.get("{ws}/users/whoami")).json()["is_admin"] is True


async def test_nobody_removes_or_disables_themselves(space):
    boss, name = await member(space, "boss", is_admin=True)
    assert (await boss.delete(f"{{ws}}/users/delete/{name}")).status_code == 400
    assert (await boss.post(f"{{ws}}/users/update/{name}", json={"disabled": True})).status_code == 400


async def test_everybody_in_a_workspace_is_listed_with_groups_and_folders(space):
    person, name = await member(space)
    await space.post("{ws}/groups/create", json={"name": "crew", "summary": "The crew"})
    await space.post("{ws}/groups/adduser/crew", json={"username": name})
    for folder in (
        {"name": "owned", "owners": [f"u/{name}"]},
        {"name": "written", "extra_perms": {"g/crew": True}},
        {"name": "read", "extra_perms": {"g/all": False}},
        {"name": "hidden"},
    ):
        response = await space.post("{ws}/folders/create", json=folder)
        assert response.status_code == 200, response.text
    listed = {found["username"]: found for found in (await person.get("{ws}/users/list")).json()}
    assert set(listed) == {"admin", name}
    assert listed[name]["groups"] == ["all", "crew"]
    assert listed[name]["folders"] == ["owned", "written"]
    assert listed[name]["folders_read"] == ["owned", "read", "written"]
    assert listed[name]["folders_owners"] == ["owned"]
    assert listed["admin"]["is_super_admin"] is True and listed[name]["is_super_admin"] is False
    assert (await person.get("{ws}/users/whoami")).json() == listed[name]
    assert (await person.get("{ws}/users/list_usernames")).json() == ["admin", name]
    assert [folder["name"] for folder in (await person.get("{ws}/folders/list")).json()] == [
        "owned",
        "read",
        "written",
    ]


@pytest.mark.parametrize(("path", "expected"), [("f/mine/x", True), ("f/theirs/x", False), ("u/admin/x", False)])
async def test_a_person_owns_what_lies_in_their_folders(space, path, expected):
    person, name = await member(space)
    await person.post("{ws}/folders/create", json={"name": "mine"})
    await space.post("{ws}/folders/create", json={"name": "theirs"})
    assert (await person.get(f"{{ws}}/users/is_owner/{path}")).json() is expected
    assert (await person.get(f"{{ws}}/users/is_owner/u/{name}/x")).json() is True


async def test_a_group_is_made_filled_emptied_and_removed(space):
    _, name = await member(space)
    assert (await space.post("{ws}/groups/create", json={"name": "crew"})).status_code == 200
    assert (await space.post("{ws}/groups/create", json={"name": "crew"})).status_code == 409
    assert (await space.post("{ws}/groups/update/crew", json={"summary": "We"})).status_code == 200
    assert (await space.post("{ws}/groups/adduser/crew", json={"username": name})).status_code == 200
    found = (await space.get("{ws}/groups/get/crew")).json()
    assert found == {"name": "crew", "summary": "We", "members": [name], "extra_perms": {}}
    assert (await space.post("{ws}/groups/adduser/crew", json={"username": "nobody"})).status_code == 404
    assert (await space.get("{ws}/groups/listnames")).json() == ["all", "crew"]
    assert (await space.get("{ws}/groups/listnames?only_member_of=true")).json() == ["all"]
    assert (await space.post("{ws}/groups/removeuser/crew", json={"username": name})).status_code == 200
    assert (await space.post("{ws}/groups/removeuser/crew", json={"username": name})).status_code == 404
    assert (await space.delete("{ws}/groups/delete/crew")).status_code == 200
    assert (await space.get("{ws}/groups/get/crew")).status_code == 404
    assert (await space.delete("{ws}/groups/delete/all")).status_code == 400
    assert [name for name, _ in await operations(space) if name.startswith("group.")] == [
        "group.create", "group.edit", "group.adduser", "group.removeuser", "group.delete",
    ]  # fmt: skip


async def test_a_folder_belongs_to_its_maker(space):
    person, name = await member(space)
    made = await person.post("{ws}/folders/create", json={"name": "team", "summary": "Ours"})
    assert made.status_code == 200, made.text
    folder = (await person.get("{ws}/folders/get/team")).json()
    assert (folder["owners"], folder["summary"], folder["created_by"]) == ([f"u/{name}"], "Ours", name)
    assert (await person.get("{ws}/folders/exists/team")).json() is True
    assert (await person.get("{ws}/folders/exists/none")).json() is False
    assert (await person.post("{ws}/folders/create", json={"name": "team"})).status_code == 409
    assert (await person.post("{ws}/folders/create", json={"name": "no/good"})).status_code == 400
    assert (await person.get("{ws}/folders/getusage/team")).json() == {
        "scripts": 0,
        "variables": 0,
        "resources": 0,
    }


async def test_nobody_comes_to_own_what_lies_in_a_folder_that_is_gone(space):
    (dev, _), secret = await member(space, "dev"), {"path": "f/past/key", "value": "x", "is_secret": True}
    assert (await space.post("{ws}/variables/create", json=secret)).status_code == 201
    refused = await dev.post("{ws}/folders/create", json={"name": "past"})
    assert (refused.status_code, "key" in refused.text) == (409, False)
    assert (await dev.get("{ws}/variables/get/f/past/key")).status_code == 404
    assert (await dev.post("{ws}/folders/create", json={"name": "past2"})).status_code == 200
    assert (await space.post("{ws}/folders/create", json={"name": "past"})).status_code == 200


async def test_nobody_comes_to_read_the_runs_of_a_folder_that_is_gone(space):
    (dev, _), (other, _) = await member(space, "dev"), await member(space, "other")
    run = {"content": "echo 1", "language": "bash", "path": "f/runs/x"}
    assert (await dev.post("{ws}/jobs/run/preview", json=run)).status_code == 201
    assert (await other.post("{ws}/folders/create", json={"name": "runs"})).status_code == 409
    assert (await dev.post("{ws}/folders/create", json={"name": "runs"})).status_code == 200


async def test_a_folder_is_changed_by_its_owners_only(space):
    owner, _ = await member(space, "owner")
    writer, writer_name = await member(space, "writer")
    stranger, _ = await member(space, "stranger")
    grants = {"name": "team", "extra_perms": {f"u/{writer_name}": True}}
    assert (await owner.post("{ws}/folders/create", json=grants)).status_code == 200
    assert (await writer.get("{ws}/folders/get/team")).status_code == 200
    assert (await writer.post("{ws}/folders/update/team", json={"owners": [f"u/{writer_name}"]})).status_code == 403
    assert (await writer.delete("{ws}/folders/delete/team")).status_code == 403
    assert (await stranger.get("{ws}/folders/get/team")).status_code == 404
    assert (await stranger.post("{ws}/folders/update/team", json={"summary": "x"})).status_code == 404
    assert (await owner.post("{ws}/folders/update/team", json={"summary": "x"})).status_code == 200
    assert (await owner.get("{ws}/folders/get/team")).json()["extra_perms"] == {f"u/{writer_name}": True}
    assert (await owner.delete("{ws}/folders/delete/team")).status_code == 200
    assert (await owner.get("{ws}/folders/get/team")).status_code == 404


async def test_an_owner_is_added_and_removed(space):
    owner, _ = await member(space, "owner")
    heir, heir_name = await member(space, "heir")
    await owner.post("{ws}/folders/create", json={"name": "team"})
    who = f"u/{heir_name}"
    for nobody in ("nobody", "u/", f"{who}\n"):
        assert (await owner.post("{ws}/folders/addowner/team", json={"owner": nobody})).status_code == 400
    assert (await owner.post("{ws}/folders/addowner/team", json={"owner": who})).status_code == 200
    assert (await heir.post("{ws}/folders/update/team", json={"summary": "heir"})).status_code == 200
    body = {"owner": who, "write": False}
    assert (await owner.post("{ws}/folders/removeowner/team", json=body)).status_code == 200
    assert (await heir.post("{ws}/folders/update/team", json={"summary": "again"})).status_code == 403
    folder = (await heir.get("{ws}/folders/get/team")).json()
    assert who not in folder["owners"] and folder["extra_perms"] == {who: False}
    await owner.post("{ws}/folders/removeowner/team", json={"owner": who})
    assert (await heir.get("{ws}/folders/get/team")).status_code == 404
    assert [name for name, _ in await operations(space) if name.startswith("folder.")] == [
        "folder.create", "folder.add_owner", "folder.update", "folder.remove_owner", "folder.remove_owner",
    ]  # fmt: skip


async def test_an_admin_reaches_every_folder(space):
    person, _ = await member(space)
    boss, _ = await member(space, "boss", is_admin=True)
    await person.post("{ws}/folders/create", json={"name": "private"})
    assert (await boss.get("{ws}/folders/listnames")).json() == ["private"]
    assert (await boss.post("{ws}/folders/update/private", json={"summary": "seen"})).status_code == 200


async def test_accounts_are_the_business_of_superadmins(api, space):
    person, _ = await member(space, "boss", is_admin=True)
    email = f"{unique('x')}@example.com"
    for method, path in (("POST", "/users/create"), ("GET", "/users/list_as_super_admin"),
                         ("DELETE", f"/users/delete/{email}"), ("POST", f"/users/set_password_of/{email}"),
                         ("POST", f"/users/update/{email}"), ("GET", f"/users/exists/{email}")):  # fmt: skip
        body = {"email": email, "password": PASSWORD}
        assert (await person.call(method, path, json=body)).status_code == 403, path
    assert (await api.get(f"/users/exists/{email}")).json() is False


async def test_an_account_is_made_changed_and_removed(api):
    email = f"{unique('life')}@example.com"
    body = {"email": email, "password": PASSWORD, "super_admin": False, "name": "Life"}
    assert (await api.post("/users/create", json=body)).status_code == 201
    assert (await api.post("/users/create", json=body)).status_code == 409
    assert (await api.get(f"/users/exists/{email}")).json() is True
    assert (await api.post(f"/users/update/{email}", json={"is_super_admin": True})).status_code == 200
    listed = {found["email"]: found for found in (await api.get("/users/list_as_super_admin")).json()}
    assert listed[email]["super_admin"] is True and listed[email]["name"] == "Life"
    assert (await api.post(f"/users/set_password_of/{email}", json={"password": "brand new one"})).status_code == 200
    assert (await api.delete(f"/users/delete/{email}")).status_code == 200
    assert (await api.delete(f"/users/delete/{email}")).status_code == 404
    assert (await api.post(f"/users/set_password_of/{email}", json={"password": "brand new one"})).status_code == 404


async def test_accounts_come_in_pages_where_zero_and_one_are_the_first(api):
    first = (await api.get("/users/list_as_super_admin?page=0&per_page=1")).json()
    assert len(first) == 1
    assert (await api.get("/users/list_as_super_admin?page=1&per_page=1")).json() == first
    assert (await api.get("/users/list_as_super_admin?page=2&per_page=1")).json() != first


async def test_a_superadmin_does_not_remove_demote_or_disable_themselves(api):
    me = accounts.FIRST_EMAIL
    assert (await api.delete(f"/users/delete/{me}")).status_code == 400
    for change in ({"is_super_admin": False}, {"disabled": True}):
        assert (await api.post(f"/users/update/{me}", json=change)).status_code == 400
