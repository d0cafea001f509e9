"""What closes the gaps of kernels older than the one that the tests run on."""

import subprocess
import sys
from pathlib import Path

INSTALL = """
import os, sys
from windlass.worker.launcher import kernel, seccomp
program = seccomp._Program(seccomp.assemble(os.uname().machine, internet=True, truncates=sys.argv[2] == "yes"))
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
kernel.prctl(kernel.PR_SET_SECCOMP, 2, program.place)
try:
    os.truncate(sys.argv[1], 1)
except PermissionError:
    print("refused")
with open(sys.argv[1], "r+") as own:
    own.truncate(2)
"""


def run(file: Path, *, truncates: str) -> str:
    file.write_text("secret")
    command = [sys.executable, "-c", INSTALL, str(file), truncates]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()


def test_shortening_by_path_is_refused_where_landlock_does_not_see_it(tmp_path):
    assert run(tmp_path / "file", truncates="no") == "refused"
    assert (tmp_path / "file").read_text() == "se"


def test_shortening_by_path_is_left_to_landlock_where_it_sees_it(tmp_path):
    assert run(tmp_path / "file", truncates="yes") == ""
