/** Short messages in the corner of the page: what was done, and what failed. */

import { errorMessage } from "@app/api/client";
import { notifications } from "@mantine/notifications";

export function toastDone(message: string): void {
  notifications.show({ message, color: "teal", autoClose: 3000, withBorder: true });
}

export function toastError(error: unknown, title = "That did not work"): void {
  notifications.show({
    title,
    message: errorMessage(error),
    color: "red",
    autoClose: 8000,
    withBorder: true,
  });
}
