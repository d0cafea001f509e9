"""What a job left in a shared place goes with it, however it was laid out, and nothing else does."""

import os

import pytest

from windlass.worker.launcher import leftovers

NOT_OURS = 12_345


def dig(folder, depth, name):
    """Folders in folders, deeper than any path may be long."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=place)
        deeper = os.open(name, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=place))
    os.close(place)


@pytest.mark.parametrize(("depth", "name"), [(3000, "d"), (40, "n" * 250)])
def test_no_depth_is_too_deep(tmp_path, depth, name):
    dig(tmp_path, depth, name)
    leftovers.remove(str(tmp_path), os.getuid())
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    shared = tmp_path / "shared"
    (shared / "inner").mkdir(parents=True)
    (shared / "link").symlink_to(outside)
    (shared / "inner" / "link").symlink_to(outside)
    leftovers.remove(str(shared), os.getuid())
    assert list(shared.iterdir()) == []
    assert (outside / "kept").read_text() == "kept"


def test_what_belongs_to_another_stays(tmp_path):
    (tmp_path / "file").write_text("kept")
    leftovers.remove(str(tmp_path), NOT_OURS)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_that_turns_into_a_link_meanwhile_leads_nowhere(tmp_path, monkeypatch):
    outside, shared = tmp_path / "outside", tmp_path / "shared"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (shared / "swapped" / "inner").mkdir(parents=True)
    unlink = os.unlink

    def swap_after_the_look(name, **place):
        try:
            unlink(name, **place)
        except IsADirectoryError:
            if name == "inner":
                (shared / "swapped" / "inner").rmdir()
                (shared / "swapped" / "inner").symlink_to(outside)
            raise

    monkeypatch.setattr(os, "unlink", swap_after_the_look)
    leftovers.remove(str(shared), os.getuid())
    assert (outside / "kept").read_text() == "kept"
    assert list(shared.iterdir()) == []
