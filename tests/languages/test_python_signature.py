"""What a Python script's arguments look like from outside."""

import textwrap
import time

import pytest

from windlass.languages.python import language


def properties(code: str) -> dict:
    signature = language.signature(textwrap.dedent(code))
    assert signature.error is None
    return signature.schema["properties"]


def argument(declaration: str, before: str = "") -> dict:
    return properties(f"{before}\ndef main({declaration}): pass\n")["x"]


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("dict", {"type": "object"}),
        ("list", {"type": "array"}),
        ("object", {}),
        ("Any", {}),
        ("Unheard", {}),
        ("np.ndarray", {}),
        ("List[str]", {"type": "array", "items": {"type": "string"}}),
        ("typing.List[int]", {"type": "array", "items": {"type": "integer"}}),
        ("list[dict]", {"type": "array", "items": {"type": "object"}}),
        ("list[list[bool]]", {"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}),
        ("dict[str, int]", {"type": "object"}),
        ("bytes", {"type": "string", "contentEncoding": "base64"}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("datetime.datetime", {"type": "string", "format": "date-time"}),
        ("datetime.date", {"type": "string", "format": "date"}),
        ("time", {"type": "string", "format": "time"}),
        ("S3Object", {"type": "object", "format": "resource-s3_object"}),
        ("wmill.S3Object", {"type": "object", "format": "resource-s3_object"}),
        ("wmill.slack", {"type": "object", "format": "resource-slack"}),
        ("postgresql", {"type": "object", "format": "resource-postgresql"}),
        ("DynSelect_city", {"type": "object", "format": "dynselect_city"}),
        ("DynMultiselect_city", {"type": "object", "format": "dynmultiselect_city"}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal[1, 2]", {"type": "integer", "enum": [1, 2]}),
        ("Literal['a', 2]", {"enum": ["a", 2]}),
        ("'list[str]'", {"type": "array", "items": {"type": "string"}}),
        ("'not python ('", {}),
        ("Annotated[str, 'a town']", {"type": "string", "description": "a town"}),
        ("Annotated[int, Field(description='how many')]", {"type": "integer", "description": "how many"}),
        ("int | str", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("Union[int, Unheard]", {}),
    ],
)
def test_an_annotation_becomes_a_schema(annotation, schema):
    assert argument(f"x: {annotation}") == schema


@pytest.mark.parametrize(
    "annotation", ["Optional[str]", "str | None", "None | str", "Union[str, None]", "'str | None'"]
)
def test_what_may_be_none_is_not_required(annotation):
    signature = language.signature(f"def main(x: {annotation}): pass")
    assert signature.schema["properties"]["x"] == {"type": "string"}
    assert signature.schema["required"] == []


@pytest.mark.parametrize(
    ("default", "value"),
    [
        ("-3", -3),
        ("1.5", 1.5),
        ("None", None),
        ("'a' 'b'", "ab"),
        ("[1, [2, {'k': None}]]", [1, [2, {"k": None}]]),
        ("{}", {}),
        ("True", True),
    ],
)
def test_a_literal_default_is_kept(default, value):
    assert argument(f"x: Any = {default}") == {"default": value}


@pytest.mark.parametrize("default", ["now()", "OTHER", "[now()]", "{1: 2}", "(1, 2)", "1e999", "f'{a}'"])
def test_any_other_default_makes_optional_and_is_not_kept(default):
    signature = language.signature(f"def main(x: Any = {default}): pass")
    assert signature.schema["properties"]["x"] == {}
    assert signature.schema["required"] == []


def test_a_default_without_annotation_suggests_the_type():
    assert argument("x=3") == {"type": "integer", "default": 3}


def test_an_enum_offers_its_values_and_its_default_member():
    enum = "class Level(Enum):\n    AUTO = 'auto'\n    BOSS = 'boss'\n"
    assert argument("x: Level = Level.BOSS", enum) == {
        "type": "string",
        "enum": ["auto", "boss"],
        "default": "boss",
    }


def test_automatic_enum_values_are_those_that_python_gives():
    assert argument("x: E", "class E(StrEnum):\n    RED = auto()\n")["enum"] == ["red"]
    assert argument("x: E", "class E(Enum):\n    RED = auto()\n    BLUE = auto()\n")["enum"] == [1, 2]


@pytest.mark.parametrize("header", ["@dataclass\nclass P:", "class P(BaseModel):", "class P(TypedDict):", "class P:"])
def test_a_class_with_fields_is_an_object(header):
    schema = argument(
        "x: P",
        f"{header}\n    name: str\n    age: int | None = 3\n    tags: list[str] = field(default_factory=f)",
    )
    assert schema == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer", "default": 3},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name"],
        "order": ["name", "age", "tags"],
    }


def test_classes_inherit_nest_and_contain_themselves():
    schema = argument(
        "x: Node",
        "class Base:\n    id: int\nclass Node(Base):\n    next: Optional['Node']\n    all: list[Base]\n",
    )
    assert list(schema["properties"]) == ["id", "next", "all"]
    assert schema["properties"]["next"] == {"type": "object"}
    assert schema["properties"]["all"]["items"]["properties"] == {"id": {"type": "integer"}}


def test_classes_that_inherit_from_each_other_end():
    assert argument("x: A", "class A(B):\n    a: int\nclass B(A):\n    b: int\n")["type"] == "object"


def test_pydantic_fields_give_description_and_default():
    fields = "class M(BaseModel):\n    a: int = Field(..., description='the a')\n    b: str = Field('x')\n"
    schema = argument("x: M", fields)
    assert schema["properties"] == {
        "a": {"type": "integer", "description": "the a"},
        "b": {"type": "string", "default": "x"},
    }
    assert schema["required"] == ["a"]


@pytest.mark.parametrize("base", ["", "(TypedDict)", "(dict)"])
def test_a_lower_case_class_is_a_resource(base):
    resource = {"type": "object", "format": "resource-postgresql"}
    assert argument("x: postgresql", f"class postgresql{base}:\n    host: str\n") == resource


def test_an_alias_stands_for_its_type_even_when_it_is_circular():
    assert argument("x: Color", "Color = Literal['red']\n") == {"type": "string", "enum": ["red"]}
    assert argument("x: Loop", "Loop = Loop\n") == {}
    assert argument("x: Optional[Loop]", "Loop = list['Loop']\n")["type"] == "array"


def test_args_and_kwargs_are_ignored_and_keyword_only_counts():
    schema = language.signature("def main(a, /, b, *rest, c=1, d, **more): pass").schema
    assert schema["order"] == ["a", "b", "c", "d"]
    assert schema["required"] == ["a", "b", "d"]


GOOGLE = '''
def main(a: str, b: int = 1, c=None):
    """Do it.

    Args:
        a (str): First: with a colon
            and a second line
        b: Second
        c

    Returns:
        b: nothing
    """
'''
NUMPY = '''
def main(a: str, b: int = 1):
    """Do it.

    Parameters
    ----------
    a : str
        First: with a colon
        and a second line
    b : int, optional
        Second

    Returns
    -------
    b : int
        nothing
    """
'''
SPHINX = '''
def main(a: str, b: int = 1):
    """Do it.

    :param a: First: with a colon and a second line
    :param int b: Second
    :returns: nothing
    """
'''


@pytest.mark.parametrize("code", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_docstrings_describe_arguments(code):
    found = properties(code)
    assert found["a"] == {"type": "string", "description": "First: with a colon and a second line"}
    assert found["b"] == {"type": "integer", "default": 1, "description": "Second"}


def test_comments_beside_arguments_offer_choices():
    found = properties(
        """
        def main(
            kind: str = "json",  # Dropdown: json, csv, parquet
            action: str,  # "list", "get", "create"
            prose: str,  # the "list" or the "get"
            number: int = 1,  # Dropdown: 1, 2
            umläut: str = "ä",  # Dropdown: ä, ö
            last: str = "a"  # 'a' | 'b'
        ): pass
        """.replace("action: str,", 'action: str = "list",').replace("prose: str,", 'prose: str = "",')
    )
    assert found["kind"] == {"type": "string", "enum": ["json", "csv", "parquet"], "default": "json"}
    assert found["action"]["enum"] == ["list", "get", "create"]
    assert found["umläut"]["enum"] == ["ä", "ö"]
    assert found["last"]["enum"] == ["a", "b"]
    assert "enum" not in found["prose"] and "enum" not in found["number"]


def test_a_comment_belongs_to_the_last_argument_of_its_line_only():
    found = properties('def main(a: str, b: str = "x",  # Dropdown: x, y\n    c: str = ""): pass')
    assert "enum" not in found["a"] and found["b"]["enum"] == ["x", "y"] and "enum" not in found["c"]


def test_the_header_sets_the_timeout():
    assert language.signature("# extra_perms:\n#   timeout: 600  # 10 minutes\n\ndef main(): pass").timeout == 600
    assert language.signature("# extra_perms:\n\n#   timeout: 600\ndef main(): pass").timeout is None
    assert language.signature("#   timeout: 600\ndef main(): pass").timeout is None


@pytest.mark.parametrize(
    ("code", "line"), [("def main(:\n  pass", 1), ("x = 1\n  y = 2", 2), ("a\0b", None), ("(" * 100_000, 1)]
)
def test_code_that_does_not_parse_gives_an_error_and_no_schema(code, line):
    signature = language.signature(code)
    assert signature.schema is None and not signature.has_main
    assert signature.error.message
    assert line is None or signature.error.line == line


def test_the_column_of_an_error_counts_from_one():
    assert language.signature("def main(:").error.column == 10


def test_a_script_without_main_has_no_arguments():
    signature = language.signature("def other(x): pass\ndef preprocessor(): pass")
    assert (signature.has_main, signature.has_preprocessor) == (False, True)
    assert signature.schema["properties"] == {}


def test_another_entry_point_and_async_functions_are_read():
    assert language.signature("async def other(x): pass", "other").schema["order"] == ["x"]


def test_endless_blanks_do_not_hold_the_reader_up():
    blanks = " " * 20_000
    docstring = f'"""x\n\n    Args:\n        a{blanks}b\n    :param a{blanks}b\n    """'
    started = time.perf_counter()
    assert language.signature(f"def main(a: str, {blanks}\n  b: str){blanks}:{blanks}\n    {docstring}").has_main
    assert time.perf_counter() - started < 2


def test_reading_a_thousand_lines_takes_a_few_milliseconds():
    code = "def main(x: int = 1): pass\n" + "".join(f"def f{n}(a, b):\n    return a + b * {n}\n" for n in range(500))
    assert min(seconds_to_read(f"{code}# {n}") for n in range(5)) < 0.25


def seconds_to_read(code):
    started = time.perf_counter()
    assert language.signature(code).has_main
    return time.perf_counter() - started


def test_the_schema_has_windmills_form():
    schema = language.signature("def main(b: int, a: str = 'x'): pass").schema
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"b": {"type": "integer"}, "a": {"type": "string", "default": "x"}},
        "required": ["b"],
        "order": ["b", "a"],
    }
