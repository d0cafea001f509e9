"""The programs that run TypeScript: where they are, and how they come. Called by the worker and `windlass runtimes`.

They are not part of Windlass. Each comes as its maker's own package in the npm registry, one file that is unpacked and
never asked to install itself; what arrives must have the digest that stands here.
"""

import asyncio
import base64
import hashlib
import hmac
import http.client
import io
import json
import platform
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from windlass.languages.base import RuntimeMissing, Toolchain
from windlass.settings import Settings

REGISTRY = "https://registry.npmjs.org"
TIMEOUT_S = 120
MAX_BYTES = 512 * 2**20
# The short form of a package's metadata, which npm's own client asks for too.
SHORT = "application/vnd.npm.install-v1+json, application/json"
PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of the npm registry; `integrity` is the digest of its archive as npm spells it."""

    name: str
    integrity: str


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """A program in a version: its package for each kind of machine, and the program's place in the archive."""

    name: str
    version: str
    member: str
    packages: Mapping[str, Package]


BUN = Runtime(
    name="bun",
    version="1.4.5",
    member="package/bin/bun",
    packages={
        "x86_64": Package(
            name="@oven/bun-linux-x64",
            integrity="sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
        ),
        "x86_64 without avx2": Package(
            name="@oven/bun-linux-x64-baseline",
            integrity="sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
        ),
        "aarch64": Package(
            name="@oven/bun-linux-aarch64",
            integrity="sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
        ),
    },
)
DENO = Runtime(
    name="deno",
    version="2.9.5",
    member="package/deno",
    packages={
        "x86_64": Package(
            name="@deno/linux-x64-glibc",
            integrity="sha512-TDqcnoLe3jlgqYEQm7H7MK6q0JOth+o8iSZzknRODnVkJfPiNnjVn1M1Zc6vnp+ipkyb6Av1/CUlHgHtlq59Gw==",
        ),
        "aarch64": Package(
            name="@deno/linux-arm64-glibc",
            integrity="sha512-IuYjsz9PGl7CJcNXMuN27KNDB8Q40brK3SG3l+TXMDVW61ZKwcn0fQHBHnXFiiygEwI8by/fKnASEluhZB1atw==",
        ),
    },
)
CATALOGUE: Mapping[str, Runtime] = {runtime.name: runtime for runtime in (BUN, DENO)}


def found(settings: Settings) -> dict[str, Path]:
    """Every runtime of the catalogue that this machine has: the one a setting names, ours, or the one on the PATH."""
    places = {name: find(name, settings) for name in CATALOGUE}
    return {name: place for name, place in places.items() if place is not None}


def lacking(names: tuple[str, ...], tools: Toolchain) -> list[str]:
    """Those of the names that are runtimes of the catalogue and not among the tools."""
    return [name for name in names if name in CATALOGUE and name not in tools.runtimes]


async def provide(
    names: tuple[str, ...], tools: Toolchain, settings: Settings, tell: Callable[[str], None]
) -> Toolchain:
    """The tools with those of the named runtimes that they lack, as far as they can be had.

    One that is nowhere on this machine is brought, if the settings let a worker do so; `tell` gets a line for the job's
    log. Raises RuntimeMissing when it does not come.
    """
    places = dict(tools.runtimes)
    for name in lacking(names, tools):
        place = find(name, settings)
        if place is None and settings.runtimes_on_first_use:
            tell(f"--- bringing {name} {CATALOGUE[name].version}, once for this worker ---\n")
            place = await asyncio.to_thread(install, name, settings)
        if place is not None:
            places[name] = place
    return replace(tools, runtimes=places)


def find(name: str, settings: Settings) -> Path | None:
    """Where a runtime is; None when this machine has none."""
    chosen = {"bun": settings.bun_path, "deno": settings.deno_path}.get(name)
    if chosen is not None:
        return chosen
    ours = place_of(CATALOGUE[name], settings)
    if ours.exists():
        return ours
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def place_of(runtime: Runtime, settings: Settings) -> Path:
    """Where `install` puts a runtime."""
    return settings.home / "cache" / "runtimes" / f"{runtime.name}-{runtime.version}" / runtime.name


def install(name: str, settings: Settings) -> Path:
    """Bring a runtime from the registry, unless it is there. Raises RuntimeMissing with the reason when it cannot."""
    runtime = CATALOGUE[name]
    place = place_of(runtime, settings)
    if not place.exists():
        package = package_for_machine(runtime)
        registry = (settings.npm_config_registry or REGISTRY).rstrip("/")
        try:
            archive = download(f"{registry}/{quote(package.name, safe='@')}", package, runtime.version)
            unpack(archive, runtime.member, place)
        except (OSError, http.client.HTTPException, tarfile.TarError, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise RuntimeMissing(
                f"{runtime.name} {runtime.version} could not be had from {urlsplit(registry).hostname}: {reason}. "
                f"Set {runtime.name.upper()}_PATH to a program of yours, or NPM_CONFIG_REGISTRY to a registry in reach."
            ) from error
    return place


def package_for_machine(runtime: Runtime) -> Package:
    """The runtime's package for this machine. Raises RuntimeMissing where there is none."""
    package = runtime.packages.get(machine()) or runtime.packages.get(platform.machine())
    if package is None or platform.system() != "Linux":
        raise RuntimeMissing(f"There is no {runtime.name} for this machine: {platform.system()} {platform.machine()}.")
    return package


def machine() -> str:
    """The kind of machine as the catalogue names it."""
    kind = platform.machine()
    return f"{kind} without avx2" if kind == "x86_64" and "avx2" not in PROCESSORS.read_text() else kind


def download(metadata_url: str, package: Package, version: str) -> bytes:
    """The package's archive. Raises OSError when it does not come, ValueError when it is not what it should be."""
    metadata = json.loads(fetch(metadata_url, SHORT))
    try:
        address = metadata["versions"][version]["dist"]["tarball"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"the registry has no {package.name} {version}") from error
    archive = fetch(address, "*/*")
    algorithm, _, digest = package.integrity.partition("-")
    if not hmac.compare_digest(base64.b64encode(hashlib.new(algorithm, archive).digest()).decode(), digest):
        raise ValueError(f"the archive of {package.name} {version} has not the digest that it should have")
    return archive


def fetch(url: str, kind: str) -> bytes:
    """What an http address answers. Raises OSError, or ValueError for another kind of address or an endless answer."""
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError(f"{url} is no http address")
    with urlopen(Request(url, headers={"Accept": kind}), timeout=TIMEOUT_S) as response:
        content = response.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{url} answers more than {MAX_BYTES} bytes")
    return content


def unpack(archive: bytes, member: str, place: Path) -> None:
    """Put the one program of an archive at `place`, whole or not at all. Raises ValueError when it is not in there."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        program = tar.extractfile(member) if member in tar.getnames() else None
        if program is None:
            raise ValueError(f"the archive has no file {member}")
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as aside:
            draft = Path(aside, place.name)
            with draft.open("wb") as target:
                shutil.copyfileobj(program, target)
            draft.chmod(0o755)
            draft.replace(place)
