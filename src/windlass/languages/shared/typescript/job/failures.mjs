/** The failure document of a script that threw; used by `job`. */

const CAUSES = 5;
const OURS = new URL("../../../", import.meta.url).pathname;

/** Name, message and stack. Paths are told from the job's folder on, and frames below the script's own are left out. */
export function describe(error, folder) {
  const { name, message } = read(error);
  const shorten = (text) => text.replaceAll(`file://${folder}/`, "").replaceAll(`${folder}/`, "");
  return { name, message: shorten(message), stack: shorten(chain(error)) };
}

function read(error) {
  if (typeof error?.message !== "string") return { name: "Error", message: typeof error === "string" ? error : spelled(error) };
  return { name: String(error.name || "Error"), message: error.message };
}

function spelled(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** The stacks of an error and of what caused it. */
function chain(error) {
  const stacks = [];
  for (let one = error; one != null && stacks.length < CAUSES; one = one.cause) stacks.push(stack(one));
  return `${stacks.join("\nCaused by: ")}\n`;
}

function stack(error) {
  const { name, message } = read(error);
  const frames = String(error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line) && !message.includes(line));
  return [`${name}: ${message}`, ...frames.slice(0, frames.findLastIndex(isTheirs) + 1)].join("\n");
}

/** Whether a frame is of the script or of a package, neither of the runner nor of the runtime. */
function isTheirs(frame) {
  return frame.includes("/") && !frame.includes(OURS) && !/\(?(?:ext|node|native):/.test(frame);
}
