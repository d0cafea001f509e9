"""Single acts of the platform for a child of the nursery that may die in the middle: a request, a round of a duty."""

import httpx2

from windlass import telemetry
from windlass.api.app import create_app
from windlass.commands import databases
from windlass.maintenance import expirer, reaper
from windlass.settings import load


async def call(method: str, path: str, headers: dict[str, str], body: object) -> int:
    """One request to an application of this process; the first digit of the status when it failed."""
    settings = load()
    telemetry.configure(level=settings.rust_log, as_json=False, role="server")
    app = create_app(settings, databases.make_database(settings, databases.SERVER_POOL))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as http:
            answer = await http.request(method, f"/api{path}", json=body)
    if answer.is_error:
        print(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.status_code // 100 if answer.is_error else 0


async def reap(silence: float) -> int:
    """One round of the reaper."""
    settings = load()
    telemetry.configure(level=settings.rust_log, as_json=False, role="server")
    database = databases.make_database(settings, databases.SERVER_POOL)
    await database.open()
    await reaper.reap(database, silence=silence, policy=reaper.policy_of(settings))
    await database.close()
    return 0


async def expire() -> int:
    """One round of the expirer."""
    settings = load()
    telemetry.configure(level=settings.rust_log, as_json=False, role="server")
    database = databases.make_database(settings, databases.SERVER_POOL)
    await database.open()
    await expirer.duty().work(database)
    await database.close()
    return 0
