"""The arguments of TypeScript scripts: types, defaults, declarations, and where code does not parse."""

import pytest

from windlass.languages.shared.typescript.signature import read_call, read_signature

STRING, NUMBER = {"type": "string"}, {"type": "number"}


def schema_of(code, entrypoint="main"):
    signature = read_signature(code, entrypoint)
    assert signature.error is None, signature.error
    return signature.schema


def argument(declared, before=""):
    """The schema of the one argument of `main`, and whether it is required."""
    schema = schema_of(f"{before}\nexport async function main(x{declared}) {{}}")
    return schema["properties"]["x"], schema["required"] == ["x"]


def resource(name):
    return {"type": "object", "format": f"resource-{name}"}


@pytest.mark.parametrize(
    "declared, expected",
    [
        ("string", STRING),
        ("number", NUMBER),
        ("bigint", {"type": "integer"}),
        ("boolean", {"type": "boolean"}),
        ("object", {"type": "object"}),
        ("any", {}),
        ("unknown", {}),
        ("Date", {"type": "string", "format": "date-time"}),
        ("(string)", STRING),
        ("`a${string}`", STRING),
        ("Record<string, unknown>", {"type": "object"}),
        ("{ [key: string]: number }", {"type": "object"}),
        ("() => void", {}),
        ("keyof Anything", {}),
        ("Uint8Array", {}),
        ("string[]", {"type": "array", "items": STRING}),
        ("readonly string[]", {"type": "array", "items": STRING}),
        ("string[][]", {"type": "array", "items": {"type": "array", "items": STRING}}),
        ("Array<number>", {"type": "array", "items": NUMBER}),
        ("any[]", {"type": "array"}),
        ("[string, number]", {"type": "array"}),
        ('("a" | "b")[]', {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}),
        ('"a" | "b"', {"type": "string", "enum": ["a", "b"]}),
        ('"a"', {"type": "string", "enum": ["a"]}),
        ("1 | 2", {"type": "number", "enum": [1, 2]}),
        ("-1 | 1", {"type": "number", "enum": [-1, 1]}),
        ('1 | "a"', {"enum": [1, "a"]}),
        ("true | false", {"type": "boolean"}),
        ('"a" | string', STRING),
        ("string | number", {"anyOf": [STRING, NUMBER]}),
        ("string | any", {}),
        ("Readonly<string>", STRING),
        ("Partial<{ a: string }>", {"type": "object", "properties": {"a": STRING}, "order": ["a"]}),
        ("wmill.Base64", {"type": "string", "contentEncoding": "base64"}),
        ("Base64", {"type": "string", "contentEncoding": "base64"}),
        ("wmill.Email", {"type": "string", "format": "email"}),
        ("wmill.Sql", {"type": "string", "format": "sql"}),
        ("wmill.S3Object", resource("s3_object")),
        ('wmill.Resource<"postgresql">', resource("postgresql")),
        ('Resource<"s3">[]', {"type": "array", "items": resource("s3")}),
        ("RT.Postgresql", resource("postgresql")),
        ("RT.MsTeams", resource("ms_teams")),
        ("RT.AwsS3Foo2", resource("aws_s3_foo2")),
        ("CPostgresFoo", resource("c_postgres_foo")),
        ("URLThing", resource("url_thing")),
        ("DynSelect_city", {"type": "object", "format": "dynselect-city"}),
        ("wmill.DynMultiselect_city", {"type": "object", "format": "dynmultiselect-city"}),
    ],
)
def test_a_type_becomes_a_schema(declared, expected):
    assert argument(f": {declared}") == (expected, True)


@pytest.mark.parametrize(
    "declared, expected",
    [
        ("?: string", STRING),
        ("?", {}),
        (": string | null", STRING),
        (": string | undefined", STRING),
        (': "a" | "b" | null', {"type": "string", "enum": ["a", "b"]}),
        (': string = "x"', STRING | {"default": "x"}),
        (': "a" | "b" = "a"', {"type": "string", "enum": ["a", "b"], "default": "a"}),
        (": Date = new Date()", {"type": "string", "format": "date-time"}),
        (": string = compute()", STRING),
        (' = "it\'s"', STRING | {"default": "it's"}),
        (r' = "\u00e9\x41\u{1F600}\n"', STRING | {"default": "éA😀\n"}),
        (" = `plain`", STRING | {"default": "plain"}),
        (" = `with ${hole}`", {}),
        (" = 3", NUMBER | {"default": 3}),
        (" = -1.5", NUMBER | {"default": -1.5}),
        (" = 0x10", NUMBER | {"default": 16}),
        (" = 1_000", NUMBER | {"default": 1000}),
        (" = 1e3", NUMBER | {"default": 1000}),
        (" = 1e999", {}),
        (" = true", {"type": "boolean", "default": True}),
        (" = null", {"default": None}),
        (" = undefined", {}),
        (" = []", {"type": "array", "default": []}),
        (" = [1, 2]", {"type": "array", "items": NUMBER, "default": [1, 2]}),
        (' = [1, "a"]', {"type": "array", "default": [1, "a"]}),
        (" = [] as string[]", {"type": "array", "default": []}),
        (' = "a" as const', STRING | {"default": "a"}),
        (" = {}", {"type": "object", "default": {}}),
        (
            ' = { a: 1, "b c": [{ d: null }] }',
            {
                "type": "object",
                "properties": {
                    "a": NUMBER,
                    "b c": {"type": "array", "items": {"type": "object", "properties": {"d": {}}}},
                },
                "default": {"a": 1, "b c": [{"d": None}]},
            },
        ),
        (" = { [computed]: 1 }", {}),
        (" = { ...others }", {}),
        (" = new Date()", {}),
    ],
)
def test_what_may_be_left_out_is_not_required_and_literal_defaults_are_told(declared, expected):
    assert argument(declared) == (expected, False)


def test_an_inline_object_has_its_properties_in_order():
    schema, _ = argument(': { a: string; b?: number; "c d": { e: Date }; readonly f: string | null; g(): void }')
    assert schema == {
        "type": "object",
        "properties": {
            "a": STRING,
            "b": NUMBER,
            "c d": {
                "type": "object",
                "properties": {"e": {"type": "string", "format": "date-time"}},
                "required": ["e"],
                "order": ["e"],
            },
            "f": STRING,
        },
        "required": ["a", "c d"],
        "order": ["a", "b", "c d", "f"],
    }


@pytest.mark.parametrize("key", ["label", "kind"])
def test_objects_told_apart_by_a_label_are_one_of_several(key):
    schema, _ = argument(f': {{ {key}: "A", x: string }} | {{ {key}: "B", y?: number }}')
    assert [(one["title"], list(one["properties"]), one["required"]) for one in schema["oneOf"]] == [
        ("A", [key, "x"], [key, "x"]),
        ("B", [key, "y"], [key]),
    ]


def test_labelled_objects_may_be_declared_apart():
    declared = 'type A = { kind: "A"; x: string };\ninterface B { kind: "B" }\ntype Both = A | B;'
    schema, _ = argument(": Both", before=declared)
    assert [(one["title"], "format" in one) for one in schema["oneOf"]] == [("A", False), ("B", False)]


@pytest.mark.parametrize(
    "declared, expected",
    [
        ('type X = "hourly" | "daily";', {"type": "string", "enum": ["hourly", "daily"]}),
        ("export type X = string;", STRING),
        ("type X = Date[];", {"type": "array", "items": {"type": "string", "format": "date-time"}}),
        ('enum X { A = "a", B = "b" }', {"type": "string", "enum": ["a", "b"]}),
        ("enum X { A, B, C = 7, D }", {"type": "number", "enum": [0, 1, 7, 8]}),
        ("class X { a: string }", resource("x")),
        ("import { X } from './x.ts';", resource("x")),
        (
            "type X = { host: string; port?: number };",
            resource("x") | {"properties": {"host": STRING, "port": NUMBER}, "order": ["host", "port"]},
        ),
        (
            "interface Y { a: string }\nexport interface X extends Y { b: number }",
            resource("x") | {"properties": {"a": STRING, "b": NUMBER}, "order": ["a", "b"]},
        ),
        (
            "type X = { a: string } & { b: number };",
            resource("x") | {"properties": {"a": STRING, "b": NUMBER}, "order": ["a", "b"]},
        ),
        (
            "type X = { again: X | null };",
            resource("x") | {"properties": {"again": {"type": "object"}}, "order": ["again"]},
        ),
        ("type X = X;", {"type": "object"}),
    ],
)
def test_a_type_that_the_script_declares_is_looked_up(declared, expected):
    assert argument(": X", before=declared) == (expected, True)


def test_an_alias_that_allows_null_makes_an_argument_optional():
    assert argument(": Maybe", before="type Maybe = string | null;") == (STRING, False)


def test_the_member_of_an_enum_is_a_default():
    assert argument(": C = C.Red", before='enum C { Red = "red" }') == (
        {"type": "string", "enum": ["red"], "default": "red"},
        False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "export const main = async (a: string, b = 3) => {};",
        "export const main = function (a: string, b = 3) {};",
        "function main(a: string, b = 3) {}\nexport { main };",
        "function inner(a: string, b = 3) {}\nexport { inner as main };",
        "export default function main(a: string, b = 3) {}",
        "export async function* main(a: string, b = 3) {}",
        "export function main(a: string): void;\nexport function main(a: string, b = 3) {}",
        "export function main(this: unknown, a: string, b = 3, ...rest: string[]) {}",
        "export function other(z: string) {}\nexport function main<T>(a: string, b = 3) {}",
    ],
)
def test_the_entry_point_is_found_however_it_is_written(code):
    signature = read_signature(code, "main")
    assert signature.has_main
    assert signature.schema["properties"] == {"a": STRING, "b": NUMBER | {"default": 3}}
    assert (signature.schema["required"], signature.schema["order"]) == (["a"], ["a", "b"])


def test_parameters_that_are_taken_apart_at_once_have_numbers():
    code = "export function main(a: string, { b }: { b: number }, [c]: string[]) {}"
    assert schema_of(code)["order"] == ["a", "anon1", "anon2"]
    assert schema_of(code)["properties"]["anon1"]["properties"] == {"b": NUMBER}


def test_a_name_that_comes_twice_makes_one_argument():
    assert schema_of("export function main(a: string, a: number) {}")["required"] == ["a"]


def test_another_entry_point_and_a_preprocessor_are_seen():
    code = "export function preprocessor(event: any) {}\nexport function other(a: string) {}"
    assert schema_of(code, "other")["order"] == ["a"]
    signature = read_signature(code, "main")
    assert (signature.has_main, signature.has_preprocessor) == (False, True)


def test_the_comment_above_describes_arguments():
    comment = "/**\n * Greets.\n * @param a Who is greeted\n * @param {number} b - how often\n */\n"
    code = comment + "export async function main(a: string, b = 1) {}"
    properties = schema_of(code)["properties"]
    assert (properties["a"]["description"], properties["b"]["description"]) == ("Who is greeted", "how often")


@pytest.mark.parametrize(
    "code, line, column",
    [
        ("export function main(a: string", 1, 31),
        ("const a = 1;\nexport function main() {\n  return 5 + ;\n}", 3, 13),
        ("export function main(a string) {}", 1, 22),
        ("for (const x of y) {\n  run(x);\n", 2, 10),
        ("// ünïcödé 漢字\nconst a = é +* 1;", 2, 13),
    ],
)
def test_code_that_does_not_parse_says_where(code, line, column):
    signature = read_signature(code, "main")
    assert signature.schema is None
    assert signature.error is not None and signature.error.message
    assert (signature.error.line, signature.error.column) == (line, column)


def test_code_that_is_nested_without_end_is_an_error_and_no_crash():
    assert read_signature("export function main(x = " + "[" * 20000 + "]" * 20000 + ") {}", "main").error is not None


def test_the_timeout_of_the_header_is_read():
    code = "// extra_perms:\n//   timeout: 120\nexport function main() {}"
    assert read_signature(code, "main").timeout == 120


def test_a_call_tells_order_dates_and_integers():
    call = read_call("type D = Date;\nexport function main(a, b: Date, c: bigint | null, d: D, e: Date[]) {}", "main")
    assert call is not None
    assert (call.parameters, call.dates, call.integers) == (("a", "b", "c", "d", "e"), ("b",), ("c",))
    assert read_call("const x = 1;", "main") is None
