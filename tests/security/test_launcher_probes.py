"""The escape attempts of the start-up probe: all closed in the sandbox, and able to succeed outside of it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from windlass.worker.launcher import inside, landlock, probe, seccomp
from windlass.worker.launcher.client import Launcher

NO_OWN_UID = 64


@pytest.fixture
async def launcher():
    launcher = Launcher()
    yield launcher
    await launcher.stop()


@pytest.fixture
def folder():
    folder = Path(tempfile.mkdtemp(prefix="windlass-probe-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def attack_without_sandbox(target: inside.Target, folder: Path) -> dict[str, bool]:
    argv = [sys.executable, "-I", "-S", inside.__file__, json.dumps(asdict(target))]
    return json.loads(subprocess.run(argv, cwd=folder, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("slot", [0, NO_OWN_UID], ids=["own uid", "uid of the worker"])
async def test_every_probe_is_closed_and_gives_tier_b(launcher, folder, slot):
    found = await probe.measure(launcher, slot=slot, folder=folder)
    assert found.open == []
    assert len(found.closed) == len(inside.PROBES) + len(inside.CALLS) >= 50
    assert (found.tier, launcher.tier) == ("B", "B")


async def test_every_probe_is_closed_for_a_job_behind_a_folder_of_roots_alone(launcher, folder):
    folder.chmod(0o700)
    found = await probe.measure(launcher, folder=folder)
    assert (found.open, found.tier) == ([], "B")


async def test_the_probes_themselves_get_through_where_there_is_no_sandbox(folder):
    with probe._target(folder) as target:
        results = attack_without_sandbox(target, folder)
    expected = {
        "signal_worker", "signal_supervisor", "limit_worker", "read_file_outside", "list_folder_outside",
        "write_file_outside", "make_file_outside", "make_file_in_shared_temporary_folder",
        "truncate_file_outside", "remove_file_outside", "rename_file_outside", "link_file_outside",
        "read_through_symbolic_link", "connect_to_unix_socket", "connect_to_abstract_socket",
        "send_from_datagram_pair", "spare_itself_from_the_memory_killer", "gain_rights_by_exec",
        "watch_kernel_events", "read_worker_environment", "follow_worker_files",
    }  # fmt: skip
    assert {name for name in expected if not results[name]} == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts with what these probes look for")
async def test_the_probes_for_roots_rights_get_through_as_root_outside(folder):
    with probe._target(folder) as target:
        results = attack_without_sandbox(target, folder)
    for name in (
        "hold_capabilities",
        "become_root",
        "read_passwords",
        "open_raw_socket",
        "open_packet_socket",
    ):
        assert results[name], name


@pytest.mark.parametrize("way", ["exec", "fork"])
async def test_what_gets_through_in_one_way_of_starting_costs_the_tier_of_both(launcher, folder, monkeypatch, way):
    script = folder / "inside.py"
    script.write_text(f"""
import json
if __name__ == "__main__":
    is_fork = b"launcher.server" in open("/proc/self/cmdline", "rb").read()
    print(json.dumps(dict(read_file_outside=is_fork is {way == "fork"}, signal_worker=False)))
""")
    monkeypatch.setattr(inside, "__file__", str(script))
    found = await probe.measure(launcher, folder=folder)
    assert (found.tier, launcher.tier) == ("0", "0")
    assert (found.open, found.closed) == (["read_file_outside"], ["signal_worker"])


async def test_a_probe_that_breaks_gives_no_tier(launcher, folder, monkeypatch):
    script = folder / "inside.py"
    script.write_text("if __name__ == '__main__':\n    raise SystemExit('broken')")
    monkeypatch.setattr(inside, "__file__", str(script))
    found = await probe.measure(launcher, folder=folder)
    assert found.tier == "0" and "broken" in found.open[0]


async def test_a_kernel_without_scopes_is_no_tier_without_a_uid_of_its_own(launcher, folder, monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 2)
    found = await probe.measure(launcher, slot=NO_OWN_UID, folder=folder)
    assert found.tier == "0"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_system_call_tables_name_no_number_twice(machine):
    numbers = list(seccomp.denied_calls(machine).values())
    assert len(numbers) == len(set(numbers))
    assert len(seccomp.assemble(machine, internet=True)) % 8 == 0
    assert set(inside.CALLS) <= seccomp.denied_calls(machine).keys()
