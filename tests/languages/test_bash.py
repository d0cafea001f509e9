"""Bash scripts: declared arguments, how they arrive, and where the result comes from."""

import json
import textwrap

import pytest

from support.run_language import Run, new_folder, run_language
from windlass.languages.base import ArgumentRejected
from windlass.languages.bash import language


def declared(code: str) -> dict:
    schema = language.signature(textwrap.dedent(code)).schema
    assert schema["order"] == list(schema["properties"])
    return {name: (name in schema["required"], one.get("default")) for name, one in schema["properties"].items()}


@pytest.fixture
def run(tools):
    """Run a script's text with arguments."""

    def run(code: str, args: dict | None = None) -> Run:
        return run_language(language, textwrap.dedent(code), args, tools=tools)

    return run


def test_positional_arguments_come_in_the_order_of_their_numbers():
    code = """
        #!/bin/bash
        third="${3:-some default}"
        first="$1"
        export second=${2}  # why
        readonly fourth='x'
        fifth=${5:?must be there}
        sixth="${6:-$(date)}"
        eleventh="${11}"
        zero="$0"; all="$@"
    """
    assert declared(code) == {
        "first": (True, None),
        "second": (True, None),
        "third": (False, "some default"),
        "fifth": (True, None),
        "sixth": (False, None),
        "eleventh": (True, None),
    }


def test_functions_and_here_documents_declare_nothing():
    code = """
        name="$1"
        log() {
          text="$1"
        }
        function deploy
        {
          local service=$1
          target=$2
        }
        one() { other="$1"; }
        cat <<EOF
        fake="$3"
        EOF
        cat <<-'END' > file
        fake="$4"
        \tEND
        grep x <<< "$name"
        last=$2
    """
    assert list(declared(code)) == ["name", "last"]


def test_a_comment_may_list_the_variables_that_are_provided():
    code = """
        #!/bin/bash
        # Windmill automatically provides these as environment variables
        # SERVICE_NAME, VERSION, ENVIRONMENT, DRY_RUN

        # OTHER, NAMES
    """
    assert declared(code) == dict.fromkeys(["SERVICE_NAME", "VERSION", "ENVIRONMENT", "DRY_RUN"], (True, None))


def test_variables_that_check_or_default_themselves_are_arguments():
    code = """
        : "${TOKEN:?a token is needed}"
        : ${REGION:=eu}
        STAGE="${STAGE:-dev}"
        PATH="${PATH:-/bin}"
        WM_TOKEN="${WM_TOKEN:-x}"
        OTHER="${STAGE:-dev}"
    """
    assert declared(code) == {"TOKEN": (True, None), "REGION": (False, "eu"), "STAGE": (False, "dev")}


def test_the_header_sets_the_timeout():
    assert language.signature("# extra_perms:\n#   timeout: 90\necho").timeout == 90


def test_arguments_arrive_by_position_by_name_and_in_capitals(run):
    code = """
        set -euo pipefail
        name="$1"
        flag="$2"
        more="$3"
        echo "[\\"$NAME\\", $FLAG, $more, $#]"
    """
    args = {"more": {"a": [1]}, "name": "Ada", "flag": True}
    assert run(code, args).value == ["Ada", True, {"a": [1]}, 3]


def test_an_argument_keeps_its_position_when_an_earlier_one_is_missing(run):
    code = 'a="${1:-A}"\nb="${2:-B}"\nd="${4:-D}"\necho "$a $b $d $#"\n'
    assert run(code, {"b": "x"}).value == "A x D 2"
    assert run(code, {"d": "x"}).value == "A B x 4"
    assert run(code).value == "A B D 0"


def test_a_script_that_names_nothing_gets_the_arguments_of_the_schema_in_order(tools):
    schema, folder = {"order": ["b", "a"], "properties": {"a": {}, "b": {}}}, new_folder(tools)
    command = language.prepare(folder, 'echo "$1$2"', "", b'{"a": 1, "b": 2, "c": 3}', "main", schema, tools)
    assert (folder / "positional").read_bytes() == b"2\x001\x00"
    assert dict(command.env) == {"a": "1", "A": "1", "b": "2", "B": "2"}


def test_reserved_variables_are_never_set(tools):
    names = [
        "path",
        "PATH",
        "home",
        "LD_PRELOAD",
        "BASH_ENV",
        "WM_TOKEN",
        "BASE_INTERNAL_URL",
        "http_proxy",
        "a-b",
        "IFS",
    ]
    schema = {"order": names, "properties": {}}
    args = json.dumps(dict.fromkeys(names, "x")).encode()
    command = language.prepare(new_folder(tools), "true", "", args, "main", schema, tools)
    assert dict(command.env) == {"path": "x", "home": "x"}


def test_a_long_argument_arrives_by_position_only(run):
    result = run('text="$1"\necho "${#text} ${TEXT:-unset}"\n', {"text": "x" * 3_000_000})
    assert result.value == "3000000 unset"


def test_values_arrive_as_they_are(run):
    text = " two\nlines \t'\"$(touch owned)`x`\\ ünï 🦊 "
    assert run('text="$1"\nprintf %s "$text" > result.out', {"text": text}).value == text


def test_a_nul_character_is_refused(run):
    with pytest.raises(ArgumentRejected, match="'text'"):
        run('text="$1"', {"text": "a\0b"})


def test_the_script_sees_itself_as_executed(run):
    assert run('[[ "${BASH_SOURCE[0]}" == "$0" ]] && echo "$0"').value == "./main.sh"
    assert run('set -u\necho "${WINDLASS_POSITIONAL-gone}"').value == "gone"


def test_windows_line_ends_are_taken(run):
    assert run('name="$1"\r\nif true; then\r\n  echo "hi $name"\r\nfi\r\n', {"name": "Ada"}).value == "hi Ada"


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("true", None),
        ("echo", None),
        ("echo a; echo b; echo", "b"),
        ("echo 3", "3"),
        ("echo '{\"a\": 1}'", {"a": 1}),
        ("echo log; echo '[1,'; echo '2]'; echo", [1, 2]),
        ("echo '{\"a\": 1}'; echo '{\"b\": 2}'", {"b": 2}),
        ("printf '%s\\n' '{ log' '{' '  \"a\": [' '    {\"b\": 1}' '  ]' '}'", {"a": [{"b": 1}]}),
        ("echo '{broken}'", "{broken}"),
        ("echo '[NaN]'", "[NaN]"),
        ("echo '{\"a\": 1}'; echo done", "done"),
        ("echo text > result.out; echo '{\"a\": 1}'", "text"),
        ("echo '{\"a\": 1}' > result.json; echo text > result.out", {"a": 1}),
        ("printf '\\xff'", "\ufffd"),
    ],
)
def test_the_result_is_a_file_or_the_end_of_the_output(run, code, value):
    assert run(code).value == value


def test_a_result_file_that_is_not_json_is_a_failure(run):
    assert run("echo nope > result.json").error["name"] == "ResultRefused"


@pytest.mark.parametrize("trick", ["ln -s /etc/passwd", "mkfifo", "mkdir"])
@pytest.mark.parametrize("file", ["result.json", "result.out"])
def test_a_result_that_is_no_regular_file_is_refused(run, trick, file):
    assert run(f"{trick} ./{file}").error["name"] == "ResultRefused"


def test_a_failure_tells_the_exit_code_and_the_last_lines(run):
    error = run("set -e\nfor n in $(seq 50); do echo line $n; done\nfalse\necho never").error
    assert error["name"] == "ExecutionErr" and error["exit_code"] == 1
    assert error["message"].startswith("exit code 1\nline 31\n") and error["message"].endswith("line 50")


def test_a_syntax_error_fails_the_job_with_its_line(run):
    result = run("echo a\nif then")
    assert not result.outcome.success and "main.sh: line 2" in result.stderr


SEED = """
#!/bin/bash
# Windmill automatically provides these as environment variables
# SERVICE_NAME, VERSION, ENVIRONMENT, DRY_RUN

set -euo pipefail

log() {
  echo "[log] $1"
}

deploy_service() {
  local service=$1
  local version=$2
  if [[ "$DRY_RUN" == "true" ]]; then
    log "[DRY RUN] Would update $service to $version"
    return 0
  fi
}

deploy_service "$SERVICE_NAME" "$VERSION" "$ENVIRONMENT"
cat <<EOF
{
  "success": true,
  "service": "$SERVICE_NAME",
  "environment": "$ENVIRONMENT"
}
EOF
"""


def test_a_deploy_script_in_the_manner_of_the_documents_runs(run):
    args = {"SERVICE_NAME": "web", "VERSION": "1.2", "ENVIRONMENT": "staging", "DRY_RUN": True}
    result = run(SEED, args)
    assert result.value == {"success": True, "service": "web", "environment": "staging"}
    assert "[DRY RUN] Would update web to 1.2" in result.stdout
