"""What a job uses of memory and disk, and the control groups that bound it."""

import os
from pathlib import Path

import pytest

from windlass.worker.launcher import meter
from windlass.worker.launcher.cgroups import Group, Pool
from windlass.worker.launcher.meter import DiskMeter, Meter
from windlass.worker.launcher.request import Limits

NO_LIMITS = Limits(
    memory_bytes=None, processes=None, open_files=64, file_size_bytes=1 << 30, cpu_seconds=None, disk_bytes=None
)


def test_the_disk_of_a_folder_is_what_its_files_take_not_what_they_say(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "full").write_bytes(b"x" * 100_000)
    with open(tmp_path / "sparse", "wb") as sparse:
        sparse.truncate(1 << 30)
    assert 100_000 <= DiskMeter(str(tmp_path), ()).used() < 200_000


def test_a_link_to_a_large_file_outside_counts_nothing(tmp_path):
    (tmp_path / "outside").write_bytes(b"x" * 100_000)
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "link").symlink_to(tmp_path / "outside")
    assert DiskMeter(str(tmp_path / "job"), ()).used() <= 4096


def test_a_large_tree_is_counted_in_several_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(meter, "_ENTRIES_AT_ONCE", 10)
    for number in range(35):
        (tmp_path / str(number)).write_bytes(b"x" * 4096)
    disk = DiskMeter(str(tmp_path), ())
    seen = [disk.used() // 4096 for _ in range(4)]
    assert seen == [10, 20, 30, 35]


def test_what_a_job_removes_no_longer_counts_after_the_next_whole_look(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    disk = DiskMeter(str(tmp_path), ())
    assert disk.used() >= 100_000
    (tmp_path / "file").unlink()
    assert disk.used() == 0


def test_a_tree_deeper_than_any_path_is_over_every_limit(tmp_path):
    before = os.open(".", os.O_RDONLY)
    os.chdir(tmp_path)
    try:
        for _ in range(60):
            os.mkdir("x" * 100)
            os.chdir("x" * 100)
    finally:
        os.fchdir(before)
        os.close(before)
    watched = Meter(NO_LIMITS._replace(disk_bytes=1 << 50), folder=str(tmp_path), private=(), group=None)
    assert watched.excess(set()) == "disk"
    os.rename(tmp_path / ("x" * 100), tmp_path / "short")  # else nothing could remove it


def fake_group(folder: Path, *, is_unified: bool, kills: int) -> Group:
    folder.mkdir(exist_ok=True)
    (folder / "memory.oom_control").write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")
    (folder / "memory.events").write_text(f"low 0\nhigh 0\nmax 5\noom 1\noom_kill {kills}\noom_group_kill 0\n")
    for name in ("memory.max", "memory.limit_in_bytes", "pids.max", "cgroup.procs"):
        (folder / name).touch()
    handle = os.open(folder, os.O_PATH)
    return Group((handle, handle), is_unified=is_unified)


@pytest.mark.parametrize(
    ("is_unified", "name", "none"), [(True, "memory.max", "max"), (False, "memory.limit_in_bytes", "-1")]
)
def test_a_group_takes_its_limits_in_the_words_of_its_version(tmp_path, is_unified, name, none):
    group = fake_group(tmp_path / "group", is_unified=is_unified, kills=0)
    group.limit(memory_bytes=None, processes=None)
    assert ((tmp_path / "group" / name).read_text(), (tmp_path / "group" / "pids.max").read_text()) == (none, "max")
    (tmp_path / "group" / name).write_text("")
    (tmp_path / "group" / "pids.max").write_text("")
    group.limit(memory_bytes=5000, processes=10)
    assert ((tmp_path / "group" / name).read_text(), (tmp_path / "group" / "pids.max").read_text()) == ("5000", "12")


@pytest.mark.parametrize("is_unified", [True, False])
def test_only_a_kill_of_this_job_is_out_of_memory(tmp_path, is_unified):
    group = fake_group(tmp_path / "group", is_unified=is_unified, kills=3)
    watched = Meter(NO_LIMITS, folder=str(tmp_path), private=(), group=group)
    assert watched.excess(set()) is None
    fake_group(tmp_path / "group", is_unified=is_unified, kills=4)
    assert watched.excess(set()) == "memory"


def hierarchy(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").touch()
    return folder


def test_groups_of_version_one_are_used_again_and_removed_at_the_end(tmp_path):
    memory, processes = hierarchy(tmp_path / "memory"), hierarchy(tmp_path / "pids")
    pool = Pool.find(tmp_path)
    first, second = pool.take(), pool.take()
    assert first is not None and second is not None and first is not second
    pool.give_back(first)
    assert pool.take() is first
    assert [len(list(folder.glob("windlass-*/*"))) for folder in (memory, processes)] == [2, 2]
    pool.close()
    assert [list(folder.glob("windlass-*")) for folder in (memory, processes)] == [[], []]


def test_a_delegated_group_of_version_two_is_preferred(tmp_path):
    hierarchy(tmp_path / "memory")
    hierarchy(tmp_path / "pids")
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert Pool.find(tmp_path).take() is not None
    assert len(list(tmp_path.glob("windlass-*/0"))) == 1


def test_the_groups_of_a_server_that_was_killed_are_removed_by_the_next(tmp_path):
    memory, processes = hierarchy(tmp_path / "memory"), hierarchy(tmp_path / "pids")
    for folder in (memory, processes):
        (folder / "windlass-4999999" / "0").mkdir(parents=True)
        (folder / f"windlass-{os.getppid()}").mkdir()
    Pool.find(tmp_path)
    left = [[entry.name for entry in folder.glob("windlass-*")] for folder in (memory, processes)]
    assert left == [[f"windlass-{os.getppid()}"]] * 2


@pytest.mark.parametrize("passed_on", ["", "cpu io", "memory"])
def test_without_both_controllers_there_are_no_groups(tmp_path, passed_on):
    (tmp_path / "cgroup.subtree_control").write_text(passed_on)
    assert Pool.find(tmp_path).take() is None
