/** Asks for a new password twice. Used after a first login and by the user menu. */

import { setPassword } from "@app/api/account";
import { errorMessage } from "@app/api/client";
import { Button, PasswordInput, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FormError } from "@ui/FormError";
import { type FormEvent, useState } from "react";

const SHORTEST = 8;

export function PasswordForm({ onDone }: { onDone: () => void }) {
  const [password, setNew] = useState("");
  const [repeated, setRepeated] = useState("");
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: () => setPassword(password),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["person"] });
      onDone();
    },
  });
  const tooShort = password.length > 0 && password.length < SHORTEST;
  const differs = repeated.length > 0 && repeated !== password;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <PasswordInput
          label="New password"
          autoComplete="new-password"
          data-autofocus
          value={password}
          onChange={(event) => setNew(event.currentTarget.value)}
          error={tooShort ? `At least ${SHORTEST} characters` : undefined}
        />
        <PasswordInput
          label="Once more"
          autoComplete="new-password"
          value={repeated}
          onChange={(event) => setRepeated(event.currentTarget.value)}
          error={differs ? "The two passwords differ" : undefined}
        />
        {change.error && <FormError>{errorMessage(change.error)}</FormError>}
        <Button
          type="submit"
          fullWidth
          loading={change.isPending}
          disabled={password.length < SHORTEST || repeated !== password}
        >
          Change password
        </Button>
      </Stack>
    </form>
  );
}
