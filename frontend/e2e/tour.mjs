/**
 * The 60-second tour as a new user takes it, in a real browser against a real server.
 *
 * node e2e/tour.mjs <url> <light|dark> [folder for pictures]
 * The server is fresh (admin@windmill.dev / changeme). Prints a JSON line with figures; exits 1 with the reason.
 */

import { createRequire } from "node:module";
import { must, openPage, picture } from "./browser.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const [url, colorScheme, folder] = process.argv.slice(2);
const PASSWORD = "a tour of windlass";
const CODE = `from typing import Literal


def main(name: str, times: int = 3, mood: Literal["calm", "merry"] = "calm"):
    for number in range(times):
        print(f"{number}: hello {name}")
    return {"greeting": f"Hello {name}", "mood": mood, "times": times}
`;
const CLOCK = `import time


def main():
    time.sleep(0.5)
    for number in range(100):
        print(f"line {number} at {time.time() * 1000:.0f}", flush=True)
        time.sleep(0.01)
`;

const { browser, page, problems } = await openPage({ colorScheme, url });
const figures = {};

async function accessible(where) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  if (!(await page.evaluate(() => "axe" in window))) {
    await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
  }
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }),
  );
  for (const { id, nodes } of found.violations) {
    problems.push(
      `${where}: ${id}: ${nodes
        .slice(0, 3)
        .map((node) => node.html.slice(0, 160))
        .join(" | ")}`,
    );
  }
}

async function logIn() {
  await page.goto("/");
  await page.waitForURL(/\/login/);
  await picture(page, folder, "login");
  await accessible("login");
  await page.getByLabel("E-mail").fill("admin@windmill.dev");
  await page.getByRole("textbox", { name: "Password" }).fill("wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByRole("textbox", { name: "Password" }).fill("changeme");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Choose your own password").waitFor();
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByLabel("Once more").fill(PASSWORD);
  await page.getByLabel("Once more").press("Enter");
}

async function loadExamples() {
  await page.getByText("Write a script").waitFor();
  await picture(page, folder, "home-empty");
  await accessible("empty home");
  await page.getByText("Load the example workspace").click();
  await page.getByRole("link", { name: "Run f/examples/hello" }).first().waitFor({ timeout: 60_000 });
  await picture(page, folder, "home");
  await accessible("home");
}

async function typeCode(code) {
  const editor = page.locator(".cm-content").first();
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(code);
}

async function choosePath(name) {
  await page.getByRole("button", { name: /^Path/ }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await page.keyboard.press("Escape");
}

async function writeScript() {
  await page.goto("/scripts/add?language=python3");
  await page.getByRole("textbox", { name: "Summary" }).fill("Say hello");
  await choosePath("greet");
  await typeCode(CODE);
  const form = page.getByRole("region", { name: "Arguments" });
  await form.getByLabel("name", { exact: false }).first().waitFor();
  await form.getByText("mood").first().waitFor();
  await typeCode(CODE.replace("def main(", "def main(("));
  await page
    .getByText(/line 4/i)
    .first()
    .waitFor();
  must(await form.getByText("mood").first().isVisible(), "a parse error must keep the last good form");
  await typeCode(CODE);
  await form.getByRole("textbox").first().fill("Ada");
  await page.keyboard.press("Control+Enter");
  const run = page.getByRole("region", { name: "Test run" });
  await run.getByText("Hello Ada").first().waitFor();
  await picture(page, folder, "editor");
  await accessible("editor");
}

async function deployAndRun() {
  await page.keyboard.press("Control+Shift+S");
  await page.waitForURL(/\/scripts\/get\/u\/admin\/greet/);
  await page.getByRole("button", { name: /^Run/ }).waitFor();
  await picture(page, folder, "script");
  await accessible("script page");
  await page.getByRole("textbox").first().fill("Grace");
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/run\//);
  await page.getByText("Hello Grace").first().waitFor();
  await page.getByText("2: hello Grace").first().waitFor();
  await picture(page, folder, "run");
  await accessible("run page");
}

/** Milliseconds from print to page, at the slowest of a hundred lines. */
async function measureLog() {
  await page.goto("/scripts/add?language=python3");
  await typeCode(CLOCK);
  await page.evaluate(() => {
    window.arrivals = new Map();
    const look = () => {
      for (const [, number, printed] of document.body.innerText.matchAll(/line (\d+) at (\d+)/g)) {
        if (!window.arrivals.has(number)) window.arrivals.set(number, Date.now() - Number(printed));
      }
    };
    new MutationObserver(look).observe(document.body, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  await page.getByRole("button", { name: /^Test/ }).click();
  await page.waitForFunction(() => window.arrivals.size >= 90, null, { timeout: 30_000 });
  const delays = await page.evaluate(() => [...window.arrivals.values()].sort((a, b) => a - b));
  figures.log_lines = delays.length;
  figures.log_delay_p50_ms = delays[Math.floor(delays.length / 2)];
  figures.log_delay_max_ms = delays[delays.length - 1];
}

async function visitTheRest() {
  await page.goto("/runs");
  await page.getByText("u/admin/greet").first().or(page.getByTitle("u/admin/greet").first()).waitFor();
  await picture(page, folder, "runs");
  await accessible("runs");
  for (const [path, heading] of [
    ["/docs", "Documentation"],
    ["/variables", "Variables"],
    ["/resources", "Resources"],
    ["/account/tokens", "Access tokens"],
  ]) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    await page.waitForLoadState("networkidle");
    await picture(page, folder, heading.toLowerCase().replace(" ", "-"));
    await accessible(heading);
  }
}

async function failOnPurpose() {
  await page.goto("/scripts/add?language=python3");
  await typeCode("def main():\n    raise ValueError('the moon is full')\n");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("region", { name: "Test run" }).getByText("the moon is full").first().waitFor();
  await picture(page, folder, "error");
}

try {
  await logIn();
  await loadExamples();
  await writeScript();
  await deployAndRun();
  await measureLog();
  await failOnPurpose();
  await visitTheRest();
  must(problems.length === 0, problems.join("\n"));
  console.log(JSON.stringify(figures));
} catch (error) {
  await picture(page, folder, "failed");
  console.error(`${error.message}\nat ${page.url()}\n${problems.join("\n")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
