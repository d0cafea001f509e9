/** What a script returned, as strict JSON or as a stream; used by `job`. */

const LONE_SURROGATE = /\\(?:u(d[89a-f][0-9a-f]{2})|.)/g;

/** UTF-8 JSON in which a lone surrogate is U+FFFD; throws on values that contain themselves. */
export function encode(value) {
  const text = JSON.stringify(value, plain) ?? "null";
  return text.includes("\\ud") ? text.replace(LONE_SURROGATE, (found, lone) => (lone ? "\ufffd" : found)) : text;
}

/** Whether a result comes piece by piece. */
export function isStream(value) {
  return typeof value?.[Symbol.asyncIterator] === "function";
}

/** Print each piece as it comes, one a line, as the protocol asks; the result itself is then null. */
export async function stream(pieces) {
  for await (const piece of pieces) {
    const text = typeof piece === "string" ? piece : encode(piece);
    console.log(`WM_STREAM: ${text.replaceAll("\n", "\\n")}`);
  }
  return null;
}

/** A replacer for values that JSON lacks; `this[key]` is what stood there before its `toJSON`. */
function plain(key, value) {
  switch (typeof value) {
    case "undefined":
      return null;
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "object":
      return value === null ? null : unpacked(this[key], value);
    default:
      return value;
  }
}

function unpacked(original, value) {
  if (original instanceof Uint8Array) return base64(original);
  if (ArrayBuffer.isView(original) && !(original instanceof DataView)) return Array.from(original);
  if (original instanceof Map) return Object.fromEntries(original);
  if (original instanceof Set) return [...original];
  if (original instanceof Error) return { name: original.name, message: original.message, ...value };
  return isGenerator(original) ? [...original] : value;
}

function isGenerator(value) {
  return value[Symbol.toStringTag] === "Generator";
}

function base64(bytes) {
  if (bytes.toBase64) return bytes.toBase64();
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
