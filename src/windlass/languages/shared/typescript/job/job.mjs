/**
 * One job, from its files to its result file; called by the entry file of each runtime with a `host`, which stands for
 * what the runtimes do each in their own way.
 *
 * Reads `job.json` and `args.json`, leaves `result.json`. Standard output and error are the user's own.
 */

import { describe } from "./failures.mjs";
import { encode, isStream, stream } from "./results.mjs";

/** Run the job in `folder` and end the process. */
export async function run(host, folder) {
  const end = (document, code) => {
    host.write(`${folder}/result.json`, document);
    host.exit(code);
  };
  const fail = (error) => {
    const failure = describe(host.located(error), folder);
    host.complain(failure.stack);
    end(encode({ error: failure }), 1);
  };
  host.onStray(fail);
  host.onEmpty(() => fail(named("NoResult", "Nothing was left to wait for, and the script had not ended.")));
  try {
    end(encode(await perform(host, folder)), 0);
  } catch (error) {
    fail(error);
  }
}

async function perform(host, folder) {
  const job = JSON.parse(host.read(`${folder}/job.json`));
  const given = JSON.parse(host.read(`${folder}/args.json`));
  const module = await import(address(`${folder}/${job.file}`));
  const result = await find(module, job.entrypoint)(...matched(job, given));
  return isStream(result) ? stream(result) : result;
}

/** The URL of a file; a folder of the worker may have any name. */
function address(path) {
  return `file://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`;
}

function find(module, entrypoint) {
  const main = module.default;
  const found = module[entrypoint] ?? main?.[entrypoint] ?? (main?.name === entrypoint ? main : undefined);
  if (typeof found === "function") return found;
  throw named("MissingEntrypoint", `The script has no \`export function ${entrypoint}\`.`);
}

/** The values in the order of the parameters; one that was not given is undefined, so that its default holds. */
function matched(job, given) {
  return job.parameters.map((name) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (job.dates.includes(name)) return date(name, value);
    return job.integers.includes(name) ? integer(name, value) : value;
  });
}

function date(name, value) {
  if (typeof value !== "string") return value;
  const found = new Date(value);
  if (Number.isNaN(found.getTime())) throw named("InvalidArgument", `The argument '${name}' is not a date: ${value}`);
  return found;
}

function integer(name, value) {
  if (typeof value !== "number" && typeof value !== "string") return value;
  try {
    return BigInt(value);
  } catch {
    throw named("InvalidArgument", `The argument '${name}' is not an integer: ${value}`);
  }
}

function named(name, message) {
  return Object.assign(new Error(message), { name });
}
