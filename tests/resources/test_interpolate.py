"""References in JSON values: what is filled in, what is left alone, what is refused."""

import json

import pytest

from support.api import make_token
from windlass.errors import BadRequest, NotFound
from windlass.resources import service as resources
from windlass.resources.interpolate import interpolate
from windlass.resources.model import NewResource
from windlass.secrets import service as variables
from windlass.secrets.model import NewVariable


async def put_variable(tx, path, value, *, is_secret=False):
    await variables.create(tx, NewVariable(path=path, value=value, is_secret=is_secret))


async def put_resource(tx, path, value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    await resources.create(tx, NewResource(path=path, value=text, resource_type="any"), update_if_exists=True)


async def filled(tx, value):
    return json.loads(await interpolate(tx, json.dumps(value).encode()))


def nested(depth, core):
    for _ in range(depth):
        core = {"a": [core]}
    return core


@pytest.mark.parametrize("text", [b"{}", b' {"a" : 1e400, "b": "\\ud800"}', b"not even json", b'{"features":"var"}'])
async def test_a_value_without_references_is_not_even_read(tx, text):
    assert await interpolate(tx, text) is text


async def test_a_value_that_only_seems_to_have_references_keeps_its_bytes(tx):
    text = b'{"x" :  "see $var:u/alice/x", "n": 1e400}'
    assert await interpolate(tx, text) is text


@pytest.mark.parametrize("reference", ["$var:u/alice/plain", "var://u/alice/plain", "$var:plain", "var://plain"])
async def test_each_way_to_name_a_variable(tx, reference):
    if await variables.find(tx, "u/alice/plain") is None:
        await put_variable(tx, "u/alice/plain", "text")
    assert await filled(tx, {"x": [reference, 1]}) == {"x": ["text", 1]}


@pytest.mark.parametrize("reference", ["$res:u/alice/db", "res://u/alice/db", "$res:db", "res://db"])
async def test_each_way_to_name_a_resource(tx, reference):
    await put_resource(tx, "u/alice/db", {"host": "h", "port": 5432})
    assert await filled(tx, reference) == {"host": "h", "port": 5432}


async def test_a_secret_is_filled_in_and_the_reading_is_audited(tx):
    await put_variable(tx, "u/alice/password", "hunter2", is_secret=True)
    await put_resource(tx, "u/alice/pg", {"password": "$var:u/alice/password"})
    assert await filled(tx, {"db": "$res:u/alice/pg"}) == {"db": {"password": "hunter2"}}
    read = await tx.connection.fetchval(
        "SELECT count(*) FROM audit_log WHERE operation = 'variables.decrypt_secret' AND resource = $1",
        "u/alice/password",
    )
    assert read == 1


@pytest.mark.parametrize(
    "text", ["see $var:u/alice/x", " $var:u/alice/x", "var://a b", "res://scene.tscn", "$variable"]
)
async def test_a_string_that_is_more_than_a_reference_is_left_alone(tx, text):
    assert await filled(tx, {"x": text}) == {"x": text}


async def test_keys_are_left_alone(tx):
    assert await filled(tx, {"$var:u/alice/none": 1}) == {"$var:u/alice/none": 1}


async def test_the_text_of_a_variable_is_not_read_as_a_reference(tx):
    await put_variable(tx, "u/alice/tricky", "$var:u/alice/other")
    assert await filled(tx, "$var:u/alice/tricky") == "$var:u/alice/other"


@pytest.mark.parametrize("path", ["u/alice/none", "none", "", "u/alice", "../x", "\0", "u/alice/none\n", "x" * 400])
async def test_a_missing_variable_is_named_with_its_place(tx, path):
    with pytest.raises(NotFound) as error:
        await filled(tx, {"db": {"keys": [1, f"$var:{path}"]}})
    assert f"variable {path} not found" in str(error.value)
    assert "at db.keys[1]" in str(error.value)


async def test_a_missing_reference_inside_a_resource_names_the_resource(tx):
    await put_resource(tx, "u/alice/broken", {"key": "$res:u/alice/nowhere"})
    with pytest.raises(NotFound, match="u/alice/nowhere not found.*at key of resource u/alice/broken"):
        await filled(tx, ["$res:u/alice/broken"])


async def test_a_circle_is_named(tx):
    await put_resource(tx, "u/alice/one", {"x": "$res:u/alice/two"})
    await put_resource(tx, "u/alice/two", {"x": "$res:u/alice/one"})
    with pytest.raises(BadRequest, match="circle: u/alice/one -> u/alice/two -> u/alice/one"):
        await filled(tx, "$res:u/alice/one")


async def test_twenty_deep_is_filled_and_one_more_is_refused(tx):
    await put_resource(tx, "u/alice/deep_0", 7)
    for number in range(1, 21):
        await put_resource(tx, f"u/alice/deep_{number}", [f"$res:u/alice/deep_{number - 1}"])
    assert json.dumps(await filled(tx, "$res:u/alice/deep_19")) == "[" * 19 + "7" + "]" * 19
    with pytest.raises(BadRequest, match="more than 20 deep"):
        await filled(tx, "$res:u/alice/deep_20")


async def test_a_value_that_multiplies_itself_is_refused(tx):
    await put_resource(tx, "u/alice/bomb_0", "x" * 1000)
    for number in range(1, 10):
        await put_resource(tx, f"u/alice/bomb_{number}", [f"$res:u/alice/bomb_{number - 1}"] * 10)
    with pytest.raises(BadRequest, match="grows over"):
        await filled(tx, "$res:u/alice/bomb_9")


async def test_a_hundred_and_twenty_deep_value_is_filled(tx):
    await put_resource(tx, "u/alice/core", {"é": "☃\0"})
    assert await filled(tx, nested(120, "$res:u/alice/core")) == nested(120, {"é": "☃\0"})


async def test_an_absurdly_deep_value_is_refused_and_not_a_crash(tx):
    with pytest.raises(BadRequest, match="too deeply"):
        await interpolate(tx, b'["$var:x",' + b"[" * 100_000 + b"]" * 100_000 + b"]")


async def test_numbers_and_characters_survive(tx):
    await put_resource(tx, "u/alice/odd", b'{"big":123456789012345678901234567890,"half":"\\ud83d","nul":"\\u0000"}')
    text = await interpolate(tx, b'{"r":"$res:u/alice/odd"}')
    assert text == b'{"r":{"big":123456789012345678901234567890,"half":"\\ud83d","nul":"\\u0000"}}'


async def test_a_bare_name_never_means_somebody_elses(tx, bob):
    await bob.post("{ws}/variables/create", json={"path": "u/bob/mine", "value": "b", "is_secret": False})
    with pytest.raises(NotFound):
        await filled(tx, "$var:mine")


async def test_what_the_user_may_not_see_is_not_found(alice, bobs_tx):
    body = {"path": "u/alice/private", "value": "canary", "is_secret": True}
    assert (await alice.post("{ws}/variables/create", json=body)).status_code == 201
    with pytest.raises(NotFound, match="variable u/alice/private not found"):
        await filled(bobs_tx, "$var:u/alice/private")


async def test_a_token_for_resources_alone_does_not_reach_variables(api, alice):
    body = {"path": "u/alice/wanted", "value": "canary", "is_secret": True}
    assert (await alice.post("{ws}/variables/create", json=body)).status_code == 201
    resource = {"path": "u/alice/points", "value": "$var:u/alice/wanted", "resource_type": "any"}
    assert (await alice.post("{ws}/resources/create", json=resource)).status_code == 201
    async with api.database.system() as system:
        token = await make_token(system, "alice@example.com", scopes=["resources:read"])
    answer = await alice.as_token(token).get("{ws}/resources/get_value_interpolated/u/alice/points")
    assert answer.status_code == 403
    assert "canary" not in answer.text
