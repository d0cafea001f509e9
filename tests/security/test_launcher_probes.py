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

from windlass import tiers
from windlass.worker.launcher import client, inside, landlock, probe, seccomp
from windlass.worker.launcher.client import Launcher

NO_OWN_UID = 64


@pytest.fixture(params=tiers.attainable())
async def launcher(request):
    launcher = Launcher(ladder=(request.param,))
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
async def test_every_probe_is_closed_and_gives_the_tier(launcher, folder, slot):
    tier = launcher.ladder[0]
    found = await probe.measure(launcher, slot=slot, folder=folder)
    assert found.open == []
    apart = len(inside.APART) if tier in tiers.NAMESPACED else 0
    assert len(found.closed) == len(inside.PROBES) + len(inside.CALLS) + apart >= 100
    assert (found.tier, launcher.tier) == (tier, tier)


async def test_every_probe_is_closed_for_a_job_behind_a_folder_of_roots_alone(launcher, folder):
    folder.chmod(0o700)
    found = await probe.measure(launcher, folder=folder)
    assert (found.open, found.tier) == ([], launcher.ladder[0])


async def test_the_probes_themselves_get_through_where_there_is_no_sandbox(folder):
    with probe._target(folder, is_apart=True) as target:
        results = attack_without_sandbox(target, folder)
    expected = {
        "signal_worker", "signal_supervisor", "limit_worker", "read_file_outside", "list_folder_outside",
        "write_file_outside", "make_file_outside", "read_file_in_shared_temporary_folder",
        "truncate_file_outside", "remove_file_outside", "rename_file_outside", "link_file_outside",
        "read_through_symbolic_link", "connect_to_unix_socket", "connect_to_abstract_socket",
        "send_from_datagram_pair", "spare_itself_from_the_memory_killer", "gain_rights_by_exec",
        "watch_kernel_events", "read_worker_environment", "follow_worker_files", "read_supervisor_environment",
        "read_worker_memory_map", "write_file_in_shared_temporary_folder", "leave_by_open_folder",
        "leave_by_own_root", "list_root_folder", "listen_on_unix_socket", "share_session", "see_other_processes",
        "read_shared_memory_of_others", "attach_shared_segment", "find_semaphores", "find_message_queue",
        "see_machine_mounts", "use_right_of_files", "see_system_state", "call io_uring_setup",
        "call keyctl", "call ptrace",
    }  # fmt: skip
    assert {name for name in expected if not results[name]} == set()


HOMES = ("/var/lib", "/opt", "/srv") if os.geteuid() == 0 else (tempfile.gettempdir(),)


@pytest.mark.parametrize("home", HOMES)
async def test_the_sandbox_holds_wherever_the_worker_keeps_its_folders(launcher, home):
    with tempfile.TemporaryDirectory(dir=home) as name:
        Path(name).chmod(0o711)
        found = await probe.measure(launcher, folder=Path(name))
    assert found.open == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts with what these probes look for")
async def test_the_probes_for_roots_rights_get_through_as_root_outside(folder):
    with probe._target(folder, is_apart=True) as target:
        results = attack_without_sandbox(target, folder)
    for name in (
        "hold_capabilities",
        "become_root",
        "read_passwords",
        "open_raw_socket",
        "open_packet_socket",
        "leave_by_chroot",
        "list_homes",
        "write_system_folder",
        "write_host_names",
        "make_character_device",
        "make_block_device",
        "open_kernel_log",
        "catch_core_dumps",
        "write_device_setting",
        "leave_control_group",
        "signal_first_process",
        "go_before_others",
        "call mount",
        "call fsopen",
        "call unshare",
    ):
        assert results[name], name


async def test_one_attempt_that_gets_through_costs_the_tier(launcher, folder, monkeypatch):
    script = folder / "inside.py"
    script.write_text('print(\'{"read_file_outside": true, "signal_worker": false}\')')
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


@pytest.mark.parametrize("launcher", [tiers.POLICY], indirect=True)
async def test_a_kernel_without_scopes_is_no_tier_without_namespaces_or_a_uid_of_its_own(launcher, folder, monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 2)
    found = await probe.measure(launcher, slot=NO_OWN_UID, folder=folder)
    assert found.tier == "0"


def without(monkeypatch, change: str) -> None:
    """Have the fork server make a change to itself before it serves."""
    boot = client._BOOT.replace("import main;", f"import main; {change};", 1)
    assert boot != client._BOOT
    monkeypatch.setattr(client, "_BOOT", boot)


CONFINE = (
    "from windlass import tiers; from windlass.worker.launcher import confine, kernel, namespaces, landlock, seccomp"
)
LAYERS = {
    "policy on files": ("landlock.restrict = lambda **_: None", "list_root_folder"),
    "policy on calls": ("seccomp.restrict = lambda **_: None", "call io_uring_setup"),
    "session": ("confine._open_session = lambda: None", "share_session"),
    "limits": ("confine._set_limits = lambda *_: None", "dump_core"),
    "capabilities": (
        "kernel.empty_bounding_set = kernel.clear_capabilities = kernel.keep_reading = lambda: None; "
        "seccomp.restrict = lambda **_: None",
        "hold_capabilities",
    ),
    "no new rights": (
        "old = kernel.prctl; kernel.prctl = lambda option, *rest: option == 38 or old(option, *rest); "
        "seccomp.restrict = landlock.restrict = lambda **_: None",
        "gain_rights_by_exec",
    ),
    "namespaces of processes": ("namespaces._OWN &= ~kernel.CLONE_NEWPID", "see_other_processes"),
    "namespaces of shared memory": ("namespaces._OWN &= ~kernel.CLONE_NEWIPC", "attach_shared_segment"),
    "files handed over": (
        "confine._take_files = lambda stdio, *_: [os.dup2(file, to) for to, file in enumerate([*stdio, *stdio])]",
        "hold_inherited_files",
    ),
    "view of files": (
        "namespaces.complete = lambda *_, **__: None; namespaces.prepare = lambda _: None; "
        "namespaces.PRIVATE = ()",
        "see_system_state",
    ),
}  # fmt: skip


@pytest.mark.parametrize("launcher", tiers.attainable((tiers.ROOT, tiers.USER)), indirect=True)
# Of a plain user the kernel itself takes the capabilities at exec.
@pytest.mark.parametrize("layer", LAYERS if os.geteuid() == 0 else LAYERS.keys() - {"capabilities"})
async def test_each_layer_that_is_missing_lets_a_probe_through(launcher, folder, monkeypatch, layer):
    change, expected = LAYERS[layer]
    without(monkeypatch, f"import os; {CONFINE}; {change}")
    found = await probe.measure(launcher, slot=NO_OWN_UID, folder=folder)
    # Who asks for a /proc of its own in a user namespace must have processes of its own.
    is_refused = found.open[0].startswith("launch: namespaces: Operation not permitted: /proc")
    assert found.tier == "0" and (expected in found.open or is_refused), found.open


async def test_a_tier_that_cannot_be_had_is_passed_over_with_the_reason(folder, monkeypatch):
    without(monkeypatch, f"{CONFINE}; namespaces._STAGE = '/no/such/folder'")
    launcher = Launcher(ladder=(tiers.USER, tiers.POLICY))
    try:
        found = await probe.measure(launcher, folder=folder)
    finally:
        await launcher.stop()
    assert (found.tier, found.open, launcher.tier) == ("B", [], "B")
    assert "namespaces" in found.passed_over["A"][0] and "/no/such/folder" in found.passed_over["A"][0]


async def test_a_stated_kernel_of_its_own_gives_tier_s_only_to_a_sandbox_that_holds(folder, monkeypatch):
    launcher = Launcher(ladder=(tiers.POLICY,))
    try:
        assert (await probe.measure(launcher, folder=folder, has_own_kernel=True)).tier == "S"
        without(monkeypatch, f"{CONFINE}; seccomp.restrict = lambda **_: None")
        assert (await probe.measure(launcher, folder=folder, has_own_kernel=True)).tier == "0"
    finally:
        await launcher.stop()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_system_call_tables_name_no_number_twice(machine):
    numbers = list(seccomp.denied_calls(machine).values())
    assert len(numbers) == len(set(numbers))
    assert len(seccomp.assemble(machine, internet=True)) % 8 == 0
    assert set(inside.CALLS) <= seccomp.denied_calls(machine).keys()
