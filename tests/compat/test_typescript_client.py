"""The published `windmill-client` of npm inside jobs, by Bun and by Deno, against the whole platform."""

import pytest
import pytest_asyncio

from support.platform import running_platform
from support.postgres import fresh_database
from support.run_language import provisioned_runtimes

SPECIFIERS = {"bun": "windmill-client", "deno": "npm:windmill-client@1"}
TELL = """
export async function main(path: string, name: string) {
  await wmill.setVariable("u/admin/told", `hello ${name}`);
  await wmill.setState({ by: name });
  const told = await wmill.getVariable("u/admin/told");
  return { value: await wmill.getVariable(path), told, state: await wmill.getState() };
}
"""
CALL = """
export async function main(child: string) {
  const job = await wmill.runScriptByPathAsync(child, { name: "Ada" });
  return await wmill.waitJob(job);
}
"""
CHILD = "export function main(name: string) { return `child of ${name}`; }"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(urls):
    """Server and one worker, which has Bun and Deno."""
    places = provisioned_runtimes()
    async with running_platform(urls, bun_path=places["bun"], deno_path=places["deno"]) as platform:
        yield platform


@pytest.fixture(params=["bun", "deno"])
def language(request):
    return request.param


def with_client(language, code):
    return f'import * as wmill from "{SPECIFIERS[language]}";\n{code}'


async def test_a_preview_reads_and_writes_variables_and_state(platform, language):
    path = f"u/admin/for_{language}"
    body = {"path": path, "value": "deep", "is_secret": True, "description": ""}
    await platform.api.post("{ws}/variables/create", json=body)
    job = await platform.preview(with_client(language, TELL), language, timeout=120, path=path, name=language)
    assert job["success"], job["result"]
    assert job["result"] == {"value": "deep", "told": f"hello {language}", "state": {"by": language}}
    assert "--- resolving dependencies ---" in job["logs"] and "windmill-client" in job["logs"]


async def test_a_deployed_script_has_a_lock_and_runs_another_one(platform, language):
    await platform.deploy(f"f/compat/child_{language}", CHILD, language)
    number = await platform.deploy(f"f/compat/parent_{language}", with_client(language, CALL), language)
    script = (await platform.api.get(f"{{ws}}/scripts/get/h/{number}")).json()
    assert "windmill-client" in script["lock"] and script["schema"]["order"] == ["child"]
    answer = await platform.api.post(
        f"{{ws}}/jobs/run_wait_result/p/f/compat/parent_{language}", json={"child": f"f/compat/child_{language}"}
    )
    assert answer.json() == "child of Ada", answer.text


async def test_a_failure_of_a_deployed_script_tells_its_own_line(platform, language):
    code = "type A = { x: number };\n\nexport function main(a: A) {\n  throw new TypeError(`bad ${a.x}`);\n}\n"
    job = await platform.preview(code, language, a={"x": 1})
    assert (job["success"], job["result"]["error"]["name"]) == (False, "TypeError")
    assert "main.ts:4:" in job["result"]["error"]["stack"]
    assert "TypeError: bad 1" in job["logs"]


async def test_a_package_that_is_not_there_fails_the_job_with_its_name(platform, language):
    prefix = "npm:" if language == "deno" else ""
    job = await platform.preview(
        f'import x from "{prefix}no-such-package-of-windlass";\nexport function main() {{ return x; }}', language
    )
    assert job["result"]["error"]["name"] == "LockError"
    assert "no-such-package-of-windlass" in job["result"]["error"]["message"]


async def test_a_worker_without_the_runtime_tells_the_command_that_brings_it(postgres, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/sbin")
    async with fresh_database(postgres) as urls, running_platform(urls, runtimes_on_first_use=False) as bare:
        job = await bare.preview(CHILD, "bun", name="Ada")
    assert job["result"]["error"]["name"] == "RuntimeMissing"
    assert "windlass runtimes install bun" in job["result"]["error"]["message"]
