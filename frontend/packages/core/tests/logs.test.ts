import { ansiSpans, appendLog, emptyLog, lastLine, plainText } from "@core/logs";
import { describe, expect, test } from "vitest";

describe("a growing log", () => {
  test("takes new lines and the server's offset", () => {
    const once = appendLog(emptyLog, { new_logs: "a\n", log_offset: 2 });
    expect(appendLog(once, { new_logs: "b\n", log_offset: 4 })).toEqual({ text: "a\nb\n", offset: 4 });
  });

  test("does not repeat what a reconnect sends again", () => {
    const log = { text: "a\nb\n", offset: 4 };
    expect(appendLog(log, { new_logs: "b\n", log_offset: 4 })).toBe(log);
  });

  test("counts by itself when the server gives no offset", () => {
    expect(appendLog(emptyLog, { new_logs: "abc" })).toEqual({ text: "abc", offset: 3 });
  });

  test("stays the same with an update that has no log", () => {
    expect(appendLog({ text: "a", offset: 1 }, {})).toEqual({ text: "a", offset: 1 });
  });
});

describe("terminal colours", () => {
  test("become spans", () => {
    expect(ansiSpans("\x1b[1;31mERROR\x1b[0m shop 17")).toEqual([
      { text: "ERROR", bold: true, color: "red" },
      { text: " shop 17" },
    ]);
  });

  test("other codes vanish without a trace", () => {
    expect(ansiSpans("\x1b[2K\x1b[1Gdone")).toEqual([{ text: "done" }]);
  });

  test("are not in the text that is copied", () => {
    expect(plainText("\x1b[32mok\x1b[39m\n")).toBe("ok\n");
  });

  test("are not in the last line", () => {
    expect(lastLine("one\n\x1b[32mtwo\x1b[0m\n\n")).toBe("two");
    expect(lastLine("")).toBe("");
  });
});
