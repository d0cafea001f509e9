/** Keys that work on every page, and the window that lists all keys. */

import { Group, Kbd, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

const SHORTCUTS: [keys: string[], what: string][] = [
  [["Ctrl", "K"], "Search scripts and pages"],
  [["Ctrl", "Enter"], "Run, or test in the editor"],
  [["Ctrl", "S"], "Save a draft"],
  [["Ctrl", "Shift", "S"], "Deploy"],
  [["/"], "Search on this page"],
  [["G", "H"], "Go to Home"],
  [["G", "R"], "Go to Runs"],
  [["G", "V"], "Go to Variables"],
  [["G", "O"], "Go to Resources"],
  [["N", "S"], "Write a script"],
  [["Shift", "click"], "Delete without asking"],
  [["?"], "This list"],
];

const SEQUENCES = { gh: "/", gr: "/runs", gv: "/variables", go: "/resources", ns: "/scripts/add" } as const;
const SEQUENCE_MS = 900;

export function openShortcuts(): void {
  modals.open({
    title: "Keyboard shortcuts",
    children: (
      <Stack gap={8}>
        {SHORTCUTS.map(([keys, what]) => (
          <Group key={what} justify="space-between">
            <Text fz="sm">{what}</Text>
            <Group gap={4}>
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </Group>
          </Group>
        ))}
      </Stack>
    ),
  });
}

/** True while someone writes: then a letter is a letter. */
function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

export function useShortcuts(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let first = { key: "", at: 0 };
    const onKey = (event: KeyboardEvent) => {
      if (isWriting(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const isSecond = event.timeStamp - first.at < SEQUENCE_MS;
      const place = isSecond ? SEQUENCES[(first.key + event.key) as keyof typeof SEQUENCES] : undefined;
      if (place) navigate({ to: place });
      if (event.key === "/") focusSearch(event);
      if (event.key === "?") openShortcuts();
      first = { key: event.key, at: event.timeStamp };
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate]);
}

function focusSearch(event: KeyboardEvent): void {
  const search = document.querySelector<HTMLInputElement>("input[data-page-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
}
