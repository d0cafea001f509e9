"""Do arguments fit a schema: pure."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windlass.errors import BadRequest, InvalidArguments
from windlass.jobs import arguments

SCHEMA = json.dumps({
    "type": "object",
    "properties": {
        "n": {"type": "integer", "minimum": 0},
        "mail": {"type": "string", "format": "email"},
        "db": {"type": "object", "format": "resource-postgresql"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {"enum": ["s", "m"]},
    },
    "required": ["n"],
})  # fmt: skip


def refusal(args):
    with pytest.raises(InvalidArguments) as caught:
        arguments.check(SCHEMA, [args])
    return str(caught.value)


@pytest.mark.parametrize("args", [
    {"n": 1}, {"n": 1, "mail": None}, {"n": 1, "db": "$res:u/a/b"}, {"n": "$var:u/a/b"},
    {"n": 1, "tags": ["$var:u/a/b"]},
    {"n": 1, "db": "res://u/a/b"}, {"n": 1, "size": "$encrypted:abc"}, {"n": 1, "unknown": [{}]},
    {"n": 1, "mail": "formats are not enforced"},
])  # fmt: skip
def test_fitting_arguments_pass(args):
    arguments.check(SCHEMA, [args])


@pytest.mark.parametrize("args, words", [
    ({}, ["n", "required"]), ({"n": None}, ["n", "null"]), ({"n": -1}, ["n", "0"]),
    ({"n": 1, "tags": ["a", 2]}, ["tags.1"]),
    ({"n": 1, "db": "text"}, ["db", "object"]), ({"n": 1, "size": "xl"}, ["size"]), ({"n": True}, ["n", "integer"]),
])  # fmt: skip
def test_a_refusal_names_the_field_and_the_reason(args, words):
    sentence = refusal(args)
    assert all(word in sentence for word in words), sentence


def test_a_refusal_tells_a_few_problems_and_not_a_thousand():
    assert refusal({"n": 1, "tags": list(range(1000))}).count("tags.") == 5


def test_a_refusal_tells_which_of_many_it_is_about():
    with pytest.raises(InvalidArguments, match=r"^2: n: "):
        arguments.check(SCHEMA, [{"n": 0}, {"n": 1}, {"n": "x"}, {"n": "y"}])


@pytest.mark.parametrize("body, words", [
    (b"{", "not JSON"), (b"{}", "array"), (b"null", "array"), (b'[{}, 7]', "1: "), (b"[[]]", "0: "), (b"[null]", "0: "),
])  # fmt: skip
def test_a_batch_is_an_array_of_objects(body, words):
    with pytest.raises(BadRequest, match=words):
        arguments.parse_many(body)


def test_a_stored_schema_that_is_none_lets_everything_through():
    arguments.check('{"type": 7}', [{"a": 1}])


@pytest.mark.parametrize("schema", [{"type": 7}, {"properties": []}, {"required": "n"}])
def test_a_schema_that_is_none_is_refused_when_it_is_given(schema):
    with pytest.raises(BadRequest, match="schema"):
        arguments.check_schema(schema)


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"{}"])
def test_nothing_means_no_arguments(body):
    assert arguments.parse(body) == {}


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b'"x"', b"\xff", b"true", b'{"a":1,}', b"NaN", b"[" * 10_000])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(BadRequest):
        arguments.parse(body)


@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("-inf")])
def test_what_json_cannot_hold_cannot_travel(value):
    with pytest.raises(BadRequest, match="args"):
        arguments.encode({"a": [value]})


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_arguments_or_a_bad_request(body):
    try:
        assert isinstance(arguments.parse(body), dict)
    except BadRequest as error:
        assert str(error)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.booleans() | st.text(
    st.characters(exclude_categories=["Cs"])) | st.integers(-(2**63), 2**63 - 1)))  # fmt: skip
def test_arguments_come_back_as_they_went(args):
    assert arguments.parse(arguments.encode(args)) == args


@pytest.mark.parametrize("where", ["file", "http"])
def test_a_schema_makes_the_server_read_no_file_and_no_url(tmp_path, where):
    (tmp_path / "secret.json").write_text('{"type": "string"}')
    place = (tmp_path / "secret.json").as_uri() if where == "file" else "http://127.0.0.1:9/schema.json"
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"n": {"$ref": place}}}
    with pytest.raises(BadRequest, match="not fetched"):
        arguments.check_schema(schema)
    arguments.check(json.dumps(schema), [{"n": 1}])  # stored before it was checked: it holds nobody to anything


def test_a_schema_may_refer_to_its_own_parts():
    schema = {"$defs": {"size": {"type": "integer"}}, "properties": {"n": {"$ref": "#/$defs/size"}}}
    arguments.check_schema(schema)
    with pytest.raises(InvalidArguments):
        arguments.check(json.dumps(schema), [{"n": "x"}])
