"""What importing the module costs a job that hardly uses it."""

import subprocess
import sys

import pytest

from .conftest import PACKAGE

HEAVY = {"json", "re", "typing", "http.client", "urllib.parse", "ssl", "datetime", "email"}


def modules_loaded_by(code: str) -> set[str]:
    program = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_module_loads_none_of_the_heavy_standard_library():
    loaded = modules_loaded_by("import wmill")
    assert "wmill" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", ["get_variable", "stream_result", "ApiError"])
def test_importing_a_name_loads_none_of_it_either(name):
    assert modules_loaded_by(f"from wmill import {name}") & HEAVY == set()


def test_the_whole_module_needs_only_the_standard_library():
    loaded = modules_loaded_by("from wmill import *")
    roots = {name.partition(".")[0] for name in loaded} - {"wmill", "__main__"}
    assert roots - set(sys.stdlib_module_names) == set()
