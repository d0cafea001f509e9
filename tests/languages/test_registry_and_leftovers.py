"""The registry of languages, and the reading of files that a process left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from windlass.errors import NotFound
from windlass.languages import registry
from windlass.languages.shared.leftovers import LeftoverRefused, read_leftover


def test_built_in_languages_come_in_by_the_entry_point_door():
    assert {"bash", "python3"} <= set(registry.names())
    assert registry.get("python3").extension == "py"


def test_an_unknown_language_is_not_found():
    with pytest.raises(NotFound):
        registry.get("klingon")


def test_asking_for_names_imports_no_language():
    code = (
        "import sys; from windlass.languages import registry; registry.names(); "
        "sys.exit('windlass.languages.python' in sys.modules)"
    )
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_each_folder_of_the_room_is_a_registered_language_or_shared():
    room = Path(registry.__file__).parent
    folders = {one.parent.name for one in room.glob("*/__init__.py")} - {"shared"}
    modules = {registry.get(name).__class__.__module__.rpartition(".")[2] for name in registry.names()}
    assert folders == modules


def test_a_missing_file_is_empty_and_a_regular_one_is_read(tmp_path):
    assert read_leftover(tmp_path / "none") == b""
    (tmp_path / "some").write_bytes(b"x")
    assert read_leftover(tmp_path / "some") == b"x"


def test_links_pipes_folders_and_large_files_are_refused(tmp_path):
    (tmp_path / "real").write_bytes(b"12345")
    (tmp_path / "soft").symlink_to("real")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("soft", "pipe", "folder"):
        with pytest.raises(LeftoverRefused):
            read_leftover(tmp_path / name)
    with pytest.raises(LeftoverRefused, match="5 bytes"):
        read_leftover(tmp_path / "real", max_bytes=4)
    os.link(tmp_path / "real", tmp_path / "hard")
    with pytest.raises(LeftoverRefused):
        read_leftover(tmp_path / "hard")
