"""Which npm packages a script imports, and in which versions; used by `lock` and by the plug-in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from windlass.languages.base import RequirementRejected
from windlass.languages.shared.typescript.imports import Import, imports_of, replaced

ANY_VERSION = "latest"
# What the runtime brings itself, also without the `node:` before it.
BUILT_IN = frozenset(
    """
    assert async_hooks buffer bun child_process cluster console constants crypto dgram diagnostics_channel dns domain
    events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl
    stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib
    """.split()
)

_PART = r"[A-Za-z0-9~_-][A-Za-z0-9._~-]*"
_NAME = rf"(?:@{_PART}/)?{_PART}"
_VERSION = r"[A-Za-z0-9.^~<>=*+_-][A-Za-z0-9.^~<>=*+|_ -]*"
_SPECIFIER = re.compile(rf"(?:npm:)?({_NAME})(?:@([^/]*))?(/.*)?")
_FOREIGN = re.compile(r"[a-z][a-z0-9+.-]*:(?!/?/)|https?://", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Package:
    """An imported package: `version` is None where the import names none, `path` is what follows the name."""

    name: str
    version: str | None
    path: str


def dependencies_of(code: str) -> dict[str, str]:
    """The version of each package that a script imports, in a stable order; raises RequirementRejected."""
    found: dict[str, str | None] = {}
    for _, package in packages_of(code):
        known = found.get(package.name)
        if known and package.version and known != package.version:
            raise RequirementRejected(
                f"The script imports {package.name} in two versions: {known} and {package.version}."
            )
        found[package.name] = known or package.version
    return {name: check_version(name, found[name] or ANY_VERSION) for name in sorted(found)}


def without_versions(code: str) -> str:
    """The code as Bun resolves it: `zod@3` and `npm:zod` are `zod`, and every line and column stays."""
    plain = ((one, package.name + package.path) for one, package in packages_of(code))
    return replaced(code, ((one, text) for one, text in plain if text != one.specifier))


def packages_of(code: str) -> Iterator[tuple[Import, Package]]:
    """Each import of a package; raises RequirementRejected for one that Bun cannot install."""
    for one in imports_of(code):
        package = read(one.specifier)
        if package is not None:
            yield one, package


def read(specifier: str) -> Package | None:
    """The package that an import names; None for files and for what comes with the runtime."""
    if specifier.startswith((".", "/", "#", "node:", "bun:", "data:", "blob:", "file:")):
        return None
    if _FOREIGN.match(specifier) and not specifier.startswith("npm:"):
        raise RequirementRejected(f"{specifier!r} cannot be imported by Bun, which takes packages of npm.")
    found = _SPECIFIER.fullmatch(specifier)
    if not found:
        raise RequirementRejected(f"{specifier!r} is no package such as `name`, `@scope/name` or `name@1.2/path`.")
    if found[1].partition("/")[0] in BUILT_IN and found[2] is None and not specifier.startswith("npm:"):
        return None
    return Package(name=found[1], version=found[2] or None, path=found[3] or "")


def check_version(name: str, version: str) -> str:
    """The version itself; raises RequirementRejected unless it is a version, a range or a tag."""
    if re.fullmatch(_VERSION, version):
        return version
    raise RequirementRejected(f"{version!r} is no version of {name}: a version, a range or a tag such as `latest` is.")


def check_name(name: str) -> str:
    """The name itself; raises RequirementRejected unless npm could have a package of that name."""
    if re.fullmatch(_NAME, name):
        return name
    raise RequirementRejected(f"{name!r} is no name of an npm package.")
