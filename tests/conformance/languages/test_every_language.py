"""What holds for every language: each new one needs its samples and nothing else to be held to it."""

import json
import re

import pytest

from support.run_language import new_folder, resolve, run_language
from windlass.languages.base import ArgumentRejected, EntrypointRejected, Language

JSON_VALUES = [
    "text",
    "",
    "  spaced\tand\nbroken  ",
    "ünïcödé 漢字 🦊",
    "'\"$(touch x)`id`\\",
    0,
    -7,
    2**53,
    1.5,
    1e300,
    True,
    False,
    None,
    [],
    [1, "two", None, [3]],
    {},
    {"a": {"b": [1, 2]}, "": "empty key", "ключ": "значение"},
    "x" * 300_000,
]
HOSTILE_NAMES = [
    f"{stem}{number}"
    for number in range(5)
    for stem in (
        "$(touch owned)",
        "a; touch owned #",
        "quote'\"",
        "line\nbreak",
        "PATH",
        "LD_PRELOAD",
        "BASH_ENV",
        "__class__",
        "ключ",
        "../../up",
    )
]


def test_it_is_a_language_and_bears_its_registered_name(language):
    assert isinstance(language, Language)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", language.name)


def test_hello_world_returns_and_logs(language, sample, tools):
    run = run_language(language, sample("hello"), {"name": "Ada"}, tools=tools)
    assert run.value == "hello Ada"
    assert "greeting Ada" in run.stdout


def test_the_template_of_a_new_script_runs_without_arguments(language, tools):
    assert language.signature(language.template).error is None
    assert run_language(language, language.template, tools=tools).outcome.success


@pytest.mark.parametrize("value", JSON_VALUES, ids=lambda value: repr(value)[:20])
def test_every_json_value_goes_in_and_comes_out_unchanged(language, sample, tools, value):
    run = run_language(language, sample("echo"), {"value": value}, tools=tools)
    assert run.value == {"value": value}


def test_a_nul_character_arrives_whole_or_is_refused_by_name(language, sample, tools):
    try:
        run = run_language(language, sample("echo"), {"value": "a\0b"}, tools=tools)
    except ArgumentRejected as refusal:
        assert "'value'" in str(refusal) and "NUL" in str(refusal)
    else:
        assert run.value == {"value": "a\0b"}


def test_a_failure_has_name_message_and_stack(language, sample, tools):
    run = run_language(language, sample("fails"), tools=tools)
    assert {"name", "message", "stack"} <= run.error.keys()
    assert "it broke" in run.error["message"]
    assert "about to break" in run.stdout


@pytest.mark.parametrize("code", [1, 3, 255])
def test_an_exit_code_fails_the_job_and_is_told(language, sample, tools, code):
    run = run_language(language, sample("exits"), {"code": code}, tools=tools)
    assert run.exit_code == code
    assert run.error["exit_code"] == code


def test_exit_code_zero_is_a_success_without_a_result(language, sample, tools):
    assert run_language(language, sample("exits"), {"code": 0}, tools=tools).value is None


def test_a_killed_process_fails_with_the_name_of_the_signal(language, sample, tools):
    assert "SIGKILL" in run_language(language, sample("dies"), tools=tools).error["message"]


def test_fifty_hostile_argument_names_do_nothing(language, sample, tools):
    hostile = {name: "$(touch owned); touch owned" for name in HOSTILE_NAMES}
    assert len(hostile) == 50
    run = run_language(language, sample("hello"), {"name": "Ada", **hostile}, tools=tools)
    assert run.value == "hello Ada"
    assert not list(run.folder.rglob("owned*"))


def test_a_value_is_never_executed(language, sample, tools):
    hostile = '\'; touch owned; "$(touch owned)" `touch owned` ${x:-$(touch owned)}'
    run = run_language(language, sample("hello"), {"name": hostile}, tools=tools)
    assert run.value == f"hello {hostile}"
    assert not list(run.folder.rglob("owned*"))


def test_arguments_never_stand_on_the_command_line(language, sample, tools):
    folder, args = new_folder(tools), json.dumps({"name": "s3cret-value"}).encode()
    command = language.prepare(folder, sample("hello"), "", args, "main", None, tools)
    assert not any("s3cret-value" in word for word in command.argv)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "main()", "x;y", "a" * 64, "main\n", "été"])
def test_an_entry_point_that_is_no_identifier_is_refused(language, sample, tools, name):
    with pytest.raises(EntrypointRejected):
        language.prepare(new_folder(tools), sample("hello"), "", b"{}", name, None, tools)


def test_a_result_that_is_a_link_is_refused(language, tools, tmp_path):
    secret, folder = tmp_path / "secret.json", new_folder(tools)
    secret.write_text('"secret"')
    (folder / "result.json").symlink_to(secret)
    outcome = language.read_result(folder, b"", 0)
    assert not outcome.success
    assert b"secret" not in outcome.result


def test_a_script_without_dependencies_has_an_empty_lock(language, sample, tools):
    resolution = resolve(language, sample("hello"), tools)
    assert (resolution.lock, resolution.error) == ("", "")
    assert language.install_plan("", new_folder(tools), tools).command is None


def test_the_signature_lists_arguments_in_order_and_survives_rubbish(language, sample):
    assert language.signature(sample("hello")).schema["order"] == ["name"]
    rubbish = language.signature("\0 ((( \udc80 <<< {{{ '''")
    assert (rubbish.schema is None) == (rubbish.error is not None)
