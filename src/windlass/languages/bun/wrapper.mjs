/**
 * The file that a job's process executes: `bun wrapper.mjs <folder>`, or without a folder ahead of its job, which then
 * comes as one line of JSON on standard input.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { run } from "../shared/typescript/job/job.mjs";

const host = {
  read: (path) => readFileSync(path, "utf8"),
  write: (path, text) => writeFileSync(path, text),
  exit: (code) => process.exit(code),
  complain: (text) => writeFileSync(2, text),
  located,
  onStray: (fail) => process.on("uncaughtException", fail).on("unhandledRejection", fail),
  onEmpty: (fail) => process.on("beforeExit", fail),
};

/** Code that does not compile tells its place beside its message. */
function located(error) {
  const first = error?.errors?.[0] ?? error;
  const place = first?.position;
  if (!place?.file) return error;
  const message = `${first.message} (${place.file}:${place.line}:${place.column})`;
  return { name: first.name === "BuildMessage" ? "SyntaxError" : first.name, message };
}

/** The folder of the job that this process was started ahead of; none came when the worker has no more use for it. */
function adopt() {
  const line = readFileSync(0, "utf8");
  if (!line) process.exit(0);
  const job = JSON.parse(line);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, job.env);
  process.chdir(job.cwd);
  process.argv[2] = job.argv.at(-1);
  return process.argv[2];
}

run(host, process.argv[2] ?? adopt());
