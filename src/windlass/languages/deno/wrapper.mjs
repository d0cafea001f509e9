/**
 * The file that a job's process executes: `deno run … wrapper.mjs <folder>`, or without a folder ahead of its job, which
 * then comes as one line of JSON on standard input.
 */

import { run } from "../shared/typescript/job/job.mjs";

const host = {
  read: (path) => Deno.readTextFileSync(path),
  write: (path, text) => Deno.writeTextFileSync(path, text),
  exit: (code) => Deno.exit(code),
  complain: (text) => console.error(text.trimEnd()),
  located: (error) => error,
  onStray: (fail) => {
    addEventListener("error", (event) => fail(event.error));
    addEventListener("unhandledrejection", (event) => fail(event.reason));
  },
  onEmpty: (fail) => addEventListener("beforeunload", fail),
};

/** The folder of the job that this process was started ahead of; none came when the worker has no more use for it. */
function adopt() {
  const line = read();
  if (!line) Deno.exit(0);
  const job = JSON.parse(line);
  for (const name of Object.keys(Deno.env.toObject())) Deno.env.delete(name);
  for (const [name, value] of Object.entries(job.env)) Deno.env.set(name, value);
  Deno.chdir(job.cwd);
  return job.argv.at(-1);
}

function read() {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(65536);
  let text = "";
  for (let size = Deno.stdin.readSync(chunk); size; size = Deno.stdin.readSync(chunk)) {
    text += decoder.decode(chunk.subarray(0, size), { stream: true });
  }
  return text;
}

run(host, Deno.args[0] ?? adopt());
