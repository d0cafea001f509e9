"""Real resolution and installation, against the configured package registry."""

import concurrent.futures

import pytest

from support.run_language import install, new_folder, resolve, run_language
from windlass.languages.base import Network
from windlass.languages.python import language

CODE = "import idna\n\ndef main(name: str):\n    return [idna.encode(name).decode(), idna.__file__]\n"


@pytest.fixture(scope="module")
def lock(tools):
    resolution = resolve(language, CODE, tools)
    assert resolution.error == ""
    return resolution.lock


def test_a_lock_names_python_versions_and_hashes_and_no_host(lock):
    assert lock.startswith("# py: 3.")
    assert "idna==" in lock and "--hash=sha256:" in lock
    assert "://" not in lock


def test_resolving_twice_gives_the_same_lock(lock, tools):
    assert resolve(language, CODE, tools).lock == lock


def test_an_installed_package_is_imported_from_the_cache(lock, tools):
    target = install(language, lock, tools)
    run = run_language(language, CODE, {"name": "ä.de"}, tools=tools, lock=lock)
    assert run.value == ["xn--4ca.de", str(target / "idna" / "__init__.py")]
    assert list((target / "idna" / "__pycache__").iterdir())
    assert not [one for one in target.rglob("*") if one.stat().st_mode & 0o022]


def test_path_files_of_an_installed_package_count(tools):
    lock = "paths==1\n"
    target = language.install_plan(lock, new_folder(tools), tools).target
    (target / "inner").mkdir(parents=True)
    (target / "paths.pth").write_text("inner\n")
    (target / "inner" / "hidden.py").write_text("value = 7\n")
    assert run_language(language, "import hidden\ndef main(): return hidden.value", tools=tools, lock=lock).value == 7


def test_an_installed_lock_needs_no_second_install(lock, tools):
    install(language, lock, tools)
    assert language.install_plan(lock, new_folder(tools), tools).command is None


def test_the_commands_of_both_phases_ask_for_registries_only(tools):
    plan = language.lock_plan(CODE, new_folder(tools), tools)
    assert plan.command.network is Network.REGISTRY
    assert "idna" not in plan.command.argv


def test_of_two_installs_at_once_one_is_kept_whole_and_nothing_is_left_aside(tools):
    lock = resolve(language, "#requirements:\n#attrs\n", tools).lock
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        targets = set(pool.map(lambda _: install(language, lock, tools), range(2)))
    (target,) = targets
    assert (target / "attr" / "__init__.py").exists()
    assert not [other for other in target.parent.iterdir() if other.name.startswith(f"{target.name}.")]


def test_an_abandoned_install_leaves_nothing(tools):
    plan = language.install_plan("iniconfig==2.0.0\n", new_folder(tools), tools)
    language.abandon_install(plan)
    assert not plan.aside.exists() and not plan.target.exists()


def test_a_wrong_hash_is_not_installed(tools):
    plan = language.install_plan(f"idna==3.7 --hash=sha256:{'0' * 64}\n", new_folder(tools), tools)
    assert "--require-hashes" in plan.command.argv
    with pytest.raises(AssertionError, match="(?i)hash"):
        install(language, f"idna==3.7 --hash=sha256:{'0' * 64}\n", tools)
    assert not plan.target.exists()


def test_an_unknown_package_is_explained_in_the_resolvers_words(tools):
    resolution = resolve(language, "import surely_no_such_package_for_windlass\n", tools)
    assert resolution.lock == ""
    assert "surely-no-such-package-for-windlass was not found" in resolution.error
    assert "×" not in resolution.error


def test_an_impossible_version_is_explained(tools):
    assert "idna==99.0" in resolve(language, "#requirements:\n#idna==99.0\n", tools).error
