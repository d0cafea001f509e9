/** One browser for the end-to-end checks: Debian's Chromium, driven without a download. */

import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page in a fresh profile that fails the run on any script error or console error. */
export async function openPage({ colorScheme = "light", url }) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
  const context = await browser.newContext({
    baseURL: url,
    colorScheme,
    viewport: { width: 1360, height: 850 },
    reducedMotion: "reduce",
  });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (401|404)/.test(message.text())) {
      problems.push(`console: ${message.text()}`);
    }
  });
  return { browser, page, problems };
}

/** Saves what the page looks like now, when a folder was asked for. */
export async function picture(page, folder, name) {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png` });
}

/** Ends the process with the reason when something is not as it must be. */
export function must(condition, reason) {
  if (!condition) throw new Error(reason);
}
