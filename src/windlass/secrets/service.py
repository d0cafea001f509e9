"""Create, read, change and delete variables. Called by `api/routes/variables.py`, `resources/interpolate.py`.

Row level security decides what is seen; a variable that was shared with somebody may be changed without the
right to its folder, so that changes and deletions ask the row, and only new paths ask the principal.
"""

from collections.abc import Sequence
from dataclasses import replace

from windlass import paths
from windlass.audit import log as audit
from windlass.auth.permissions import Capability, Principal, require, require_write
from windlass.db.pool import Transaction
from windlass.db.queries import load
from windlass.errors import BadRequest, Forbidden, NotFound, WindlassError
from windlass.secrets.backends import postgres
from windlass.secrets.model import Changes, Filter, NewVariable, Variable, from_row
from windlass.secrets.refusals import told_plainly

queries = load(__file__)


async def find(tx: Transaction[Principal], path: str) -> Variable | None:
    """The variable at the path, or None when the principal may see none. The path must be well formed."""
    row = await queries.find_variable(tx.connection, workspace=tx.actor.workspace, path=paths.check(path))
    return None if row is None else from_row(row)


async def get(tx: Transaction[Principal], path: str) -> Variable:
    """The variable at the path, or NotFound."""
    variable = await find(tx, path)
    if variable is None:
        raise NotFound(f"variable {path} not found")
    return variable


async def read(tx: Transaction[Principal], variable: Variable) -> str:
    """The text of a variable. Reading a secret is audited; WindlassError when it cannot be decrypted."""
    if not variable.is_secret:
        return variable.value
    await audit.record(tx, "variables.decrypt_secret", "Execute", variable.path)
    return await _reveal(tx, variable)


async def get_value(tx: Transaction[Principal], path: str) -> str:
    """The text of the variable at the path, or NotFound."""
    return await read(tx, await get(tx, path))


async def list_variables(tx: Transaction[Principal], wanted: Filter) -> list[Variable]:
    """The variables that the principal may see, by path; secrets stay sealed."""
    with told_plainly("the search"):
        rows = queries.list_variables(tx.connection, workspace=tx.actor.workspace, **vars(wanted))
        return [from_row(row) async for row in rows]


async def create(tx: Transaction[Principal], new: NewVariable, *, already_encrypted: bool = False) -> None:
    """Make a variable. BadRequest when there is one, Forbidden without the right to write there."""
    _permit(tx, new.path)
    stored = await _stored(tx, new.value, new.is_secret, already_encrypted)
    row = vars(new) | {"value": stored, "edited_by": tx.actor.username}
    with told_plainly(f"variable {new.path}"):
        await queries.insert_variable(tx.connection, workspace=tx.actor.workspace, **row)
    await audit.record(tx, "variables.create", "Created", new.path)


async def update(
    tx: Transaction[Principal], path: str, changes: Changes, *, already_encrypted: bool = False
) -> Variable:
    """Change, rename, seal or unseal a variable. NotFound, Forbidden, BadRequest when the path is taken."""
    current = await _lock(tx, path)
    changed = replace(current, **changes)
    if changed.path != current.path:
        _permit(tx, changed.path)
    changed = replace(changed, value=await _changed_value(tx, current, changes, already_encrypted))
    with told_plainly(f"variable {changed.path}"):
        await queries.update_variable(
            tx.connection, workspace=tx.actor.workspace, old_path=path, edited_by=tx.actor.username,
            path=changed.path, value=changed.value, is_secret=changed.is_secret,
            description=changed.description, labels=changed.labels,
        )  # fmt: skip
    await audit.record(tx, "variables.update", "Updated", path, new_path=changed.path)
    return changed


async def delete(tx: Transaction[Principal], path: str) -> None:
    """Delete a variable; NotFound, or Forbidden when the principal may only read it."""
    if not await delete_bulk(tx, [paths.check(path)]):
        await _refuse(tx, path)


async def delete_bulk(tx: Transaction[Principal], every: Sequence[str]) -> list[str]:
    """Delete those of the variables that the principal may delete, and tell which."""
    for path in every:
        require(tx.actor, Capability.VARIABLES_WRITE, path=paths.check(path))
    rows = queries.delete_variables(tx.connection, workspace=tx.actor.workspace, paths=list(every))
    gone = [row["path"] async for row in rows]
    for path in gone:
        await audit.record(tx, "variables.delete", "Delete", path)
    return gone


async def encrypt(tx: Transaction[Principal], text: str) -> str:
    """Seal a text without storing it."""
    return await postgres.seal(tx, text)


def _permit(tx: Transaction[Principal], path: str) -> None:
    require(tx.actor, Capability.VARIABLES_WRITE, path=paths.check(path))
    require_write(tx.actor, path)


async def _lock(tx: Transaction[Principal], path: str) -> Variable:
    row = await queries.lock_variable(tx.connection, workspace=tx.actor.workspace, path=paths.check(path))
    return await _refuse(tx, path) if row is None else from_row(row)


async def _refuse(tx: Transaction[Principal], path: str) -> Variable:
    await get(tx, path)
    raise Forbidden(f"{tx.actor.username} may not change variable {path}")


async def _changed_value(
    tx: Transaction[Principal], current: Variable, changes: Changes, already_encrypted: bool
) -> str:
    is_secret = changes.get("is_secret", current.is_secret)
    if "value" in changes:
        return await _stored(tx, changes["value"], is_secret, already_encrypted)
    if is_secret == current.is_secret:
        return current.value
    return await _stored(tx, await read(tx, current), is_secret, already_encrypted=False)


async def _stored(tx: Transaction[Principal], value: str, is_secret: bool, already_encrypted: bool) -> str:
    if not is_secret:
        return value
    if not already_encrypted:
        return await postgres.seal(tx, value)
    try:
        await postgres.reveal(tx, value)
    except WindlassError as error:
        raise BadRequest(f"value: cannot be taken as encrypted: {error}") from error
    return value


async def _reveal(tx: Transaction[Principal], variable: Variable) -> str:
    try:
        return await postgres.reveal(tx, variable.value)
    except WindlassError as error:
        raise WindlassError(f"secret {variable.path} cannot be decrypted: {error}") from error
