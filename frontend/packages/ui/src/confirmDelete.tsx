/** Asks before something is deleted; holding Shift skips the question. Used by every list with a delete action. */

import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";

type Confirmation = { title: string; message: string; confirm?: string; onConfirm: () => void };

/** Runs `onConfirm` at once when Shift was held, otherwise after the person agreed. */
export function confirmDelete(event: { shiftKey: boolean }, confirmation: Confirmation): void {
  if (event.shiftKey) {
    confirmation.onConfirm();
    return;
  }
  modals.openConfirmModal({
    title: confirmation.title,
    children: <Text fz="sm">{confirmation.message}</Text>,
    labels: { confirm: confirmation.confirm ?? "Delete", cancel: "Cancel" },
    confirmProps: { color: "red.9", "data-autofocus": true },
    onConfirm: confirmation.onConfirm,
  });
}
