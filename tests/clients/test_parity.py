"""Our module against Windmill's own: what a script may call there, it may call here."""

import inspect
from pathlib import Path

import wmill as theirs

from .conftest import load_our_wmill

ours = load_our_wmill()

WORKFLOWS_AS_CODE = {"workflow", "step", "task_script", "task_flow", "parallel", "sleep", "wait_for_approval"}
PLUMBING = {"init_global_client", "deprecate", "bytes_generator"}
NOT_OFFERED = WORKFLOWS_AS_CODE | PLUMBING
CLASSES_NOT_OFFERED = {"TaskError", "WorkflowCtx"}
METHODS_NOT_OFFERED = {"get_client"}  # it hands out an httpx.Client


def public(holder, test):
    return {name: each for name, each in vars(holder).items() if test(each) and not name.startswith("_")}


def theirs_defined(test):
    return {n: e for n, e in public(theirs, test).items() if e.__module__.startswith("wmill")}


def same_parameter(one, other):
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return one.kind is other.kind if other.kind in variadic else one.name == other.name


def incompatibilities(their_function, our_function):
    """What a call that fits theirs could trip over in ours."""
    their_parameters = list(inspect.signature(their_function).parameters.values())
    our_parameters = list(inspect.signature(our_function).parameters.values())
    for position, wanted in enumerate(their_parameters):
        offered = next((p for p in our_parameters if same_parameter(p, wanted)), None)
        if offered is None:
            yield f"{wanted.name} is missing"
        elif wanted.kind is not wanted.KEYWORD_ONLY and our_parameters.index(offered) != position:
            yield f"{wanted.name} is at another position"
        elif wanted.default is not wanted.empty and offered.default != wanted.default:
            yield f"{wanted.name} has another default"
    known = {p.name for p in their_parameters}
    for extra in our_parameters:
        if extra.name not in known and extra.default is extra.empty and extra.kind < extra.VAR_POSITIONAL:
            yield f"{extra.name} is required"


def test_every_public_function_of_the_real_package_is_here():
    assert set(theirs_defined(inspect.isfunction)) - set(ours.__all__) == NOT_OFFERED


def test_every_public_class_of_the_real_package_is_here():
    assert set(theirs_defined(inspect.isclass)) - set(ours.__all__) == CLASSES_NOT_OFFERED


def test_every_function_takes_the_calls_that_the_real_one_takes():
    shared = {n: f for n, f in theirs_defined(inspect.isfunction).items() if n not in NOT_OFFERED}
    assert len(shared) > 50
    assert {n: w for n, f in shared.items() if (w := list(incompatibilities(f, getattr(ours, n))))} == {}


def test_every_method_of_the_client_takes_the_calls_that_the_real_one_takes():
    methods = {n: m for n, m in public(theirs.Windmill, callable).items() if n not in METHODS_NOT_OFFERED}
    wrong = {
        name: list(incompatibilities(inspect.unwrap(method), getattr(ours.Windmill, name, lambda: None)))
        for name, method in methods.items()
    }
    assert {name: complaints for name, complaints in wrong.items() if complaints} == {}


def test_every_property_of_the_client_is_here():
    names = public(theirs.Windmill, lambda each: isinstance(each, property))
    assert set(names) == {"version", "user", "state_path", "state"}
    assert all(isinstance(inspect.getattr_static(ours.Windmill, name), property) for name in names)


def test_all_names_can_be_imported_and_are_listed():
    assert set(ours.__all__) <= set(dir(ours))
    assert all(getattr(ours, name) is not None for name in ours.__all__)


def test_the_table_of_names_matches_the_functions_file():
    defined = public(ours.functions, lambda e: inspect.isroutine(e) and e.__module__ == ours.functions.__name__)
    assert set(defined) == set(ours._HOMES["functions"].split())


def test_the_type_stub_names_everything_else():
    stub = (Path(ours.__file__).parent / "__init__.pyi").read_text()
    elsewhere = [name for name, home in ours._HOME_OF.items() if home != "functions"]
    assert [name for name in elsewhere if f"import {name} as {name}\n" not in stub] == []
