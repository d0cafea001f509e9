"""Which packages a Python script asks for."""

import textwrap

import pytest

from windlass.languages.base import RequirementRejected
from windlass.languages.python.lock import explain_failure, lock_lines
from windlass.languages.python.requirements import requirements_of


def required(code: str) -> list[str]:
    return requirements_of(textwrap.dedent(code))


def test_imports_in_every_scope_count_and_the_standard_library_does_not():
    code = """
        import os, json as j, requests
        import pandas as pd
        def main():
            import httpx.client
            try:
                from rich.table import Table
            except ImportError:
                pass
            class Inner:
                import uuid
                def method(self):
                    with open("x"):
                        from tqdm import tqdm
    """
    assert required(code) == ["httpx", "pandas", "requests", "rich", "tqdm"]


@pytest.mark.parametrize(
    ("statement", "package"),
    [
        ("import psycopg2.extras", "psycopg2-binary"),
        ("import yaml", "pyyaml"),
        ("from PIL import Image", "pillow"),
        ("import cv2", "opencv-python-headless"),
        ("from sklearn.svm import SVC", "scikit-learn"),
        ("from bs4 import BeautifulSoup", "beautifulsoup4"),
        ("import jwt", "pyjwt"),
        ("import attr", "attrs"),
        ("from google.cloud import storage", "google-cloud-storage"),
        ("from google.cloud import bigquery_datatransfer", "google-cloud-bigquery_datatransfer"),
        ("import google.protobuf.message", "protobuf"),
        ("from azure.storage.blob import BlobClient", "azure-storage-blob"),
    ],
)
def test_an_import_whose_package_has_another_name_is_translated(statement, package):
    assert required(statement) == [package]


def test_what_the_platform_or_the_workspace_provides_is_left_out():
    code = """
        import wmill
        from . import sibling
        from ..other import thing
        from f.folder.module import x
        import u.user.module
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import only_for_checkers
        else:
            import attr
    """
    assert required(code) == ["attrs"]


@pytest.mark.parametrize(
    "header",
    [
        "#requirements:\n#pandas==2.0.0\n#requests\n",
        "# requirements:\n# pandas==2.0.0  # the old one\n# requests\n#\n# prose that is no requirement\n",
        "# Add dependencies\n# requirements:\n# pandas==2.0.0\n# requests\n\n# more prose\n",
        "#requirements:\n#pandas==2.0.0\n#requests\n# extra_perms:\n#   timeout: 3\n",
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["pandas==2.0.0", "requests"]\n# ///\n',
    ],
)
def test_a_header_replaces_the_imports(header):
    assert required(header + "import numpy\n") == ["pandas==2.0.0", "requests"]


def test_an_empty_header_means_no_dependencies():
    assert required("#requirements:\n\nimport numpy\n") == []


def test_extra_requirements_are_added():
    assert required("#extra_requirements:\n#openpyxl\n\nimport pandas\n") == ["pandas", "openpyxl"]


def test_pins_take_the_place_of_what_the_import_gives():
    assert required("import pandas  # pin: pandas==2.1\n") == ["pandas==2.1"]
    assert required("import yaml\n# pin: PyYAML==6.0\n") == ["PyYAML==6.0"]
    assert required("import odd_name  # repin: other-package>=1\n") == ["other-package>=1"]
    assert required('import pandas\ntext = "# pin: pandas==1"\n') == ["pandas"]


@pytest.mark.parametrize(
    "line",
    [
        "name",
        "name[extra,other]>=1,<2",
        "name (>=1.0)",
        "name ~= 1.4 ; python_version < '3.12'",
        "git+https://example.org/a/b.git@v1",
        "name @ git+https://example.org/a/b.git",
    ],
)
def test_plain_requirements_and_https_links_are_taken(line):
    assert requirements_of(f"#requirements:\n#{line}\n") == [line]


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://evil.example",
        "-r /etc/passwd",
        "-e .",
        "./local",
        "/etc/passwd",
        "../up",
        "file:///etc/passwd",
        "name @ file:///etc/passwd",
        "git+ssh://example.org/x",
        "http://example.org/x.whl",
        "name --hash=sha256:00",
        "name==1 --config-settings=x",
        "name\\",
        "two words",
        "name ; python_version > '3' --find-links x",
        "name; import os\n--find-links x",
    ],
)
def test_options_paths_and_local_files_are_refused(line):
    with pytest.raises(RequirementRejected):
        requirements_of(f"# /// script\n# dependencies = [{line!r}]\n# ///\n")


def test_a_requirement_of_two_lines_is_refused():
    with pytest.raises(RequirementRejected):
        requirements_of('# /// script\n# dependencies = ["name; a\\n--find-links x"]\n# ///\n')


def test_the_client_is_provided_unless_it_is_pinned():
    assert required("import wmill") == []
    assert required("import wmill  # pin: wmill==1.850.0") == ["wmill==1.850.0"]


def test_a_broken_metadata_block_is_refused_with_its_reason():
    with pytest.raises(RequirementRejected, match="TOML"):
        required("# /// script\n# dependencies = [\n# ///\n")


def test_code_that_does_not_parse_asks_for_nothing():
    assert required("import requests\ndef (") == []


def test_a_lock_is_read_with_its_hashes_and_comments():
    digest = "0" * 64
    lock = (
        f"# py: 3.11\nidna==3.7 \\\n    --hash=sha256:{digest} \\\n    --hash=sha256:{digest}\n"
        "    # via requests\nattrs==1\n"
    )
    hashes = f"--hash=sha256:{digest} --hash=sha256:{digest}"
    assert lock_lines(lock) == [f"idna==3.7 {hashes}", "attrs==1"]


@pytest.mark.parametrize(
    "line", ["--index-url https://evil.example", "-r /etc/passwd", "idna==3.7 --index-url x", "-e ."]
)
def test_a_lock_with_options_is_refused(line):
    with pytest.raises(RequirementRejected):
        lock_lines(f"# py: 3.11\n{line}\n")


def test_the_resolvers_sentence_is_freed_from_its_drawing():
    output = (
        "Using CPython 3.11\n"
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because nothing was found in the package registry and you require\n"
        "      nothing, we can conclude that your requirements are unsatisfiable.\n"
    )
    assert explain_failure(output) == (
        "No solution found when resolving dependencies:\n"
        "Because nothing was found in the package registry and you require nothing, "
        "we can conclude that your requirements are unsatisfiable."
    )
