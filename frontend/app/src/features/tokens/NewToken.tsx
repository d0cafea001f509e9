/** The window that makes a token and shows it, once. */

import { createToken, tokensQuery } from "@app/api/account";
import { errorMessage } from "@app/api/client";
import { Alert, Button, Select, Stack, Text, TextInput } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CodeBlock } from "@ui/CodeBlock";
import { FormError } from "@ui/FormError";
import { type FormEvent, useState } from "react";

const DAY_MS = 86_400_000;
const LIFETIMES = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "1 year" },
  { value: "", label: "It never expires" },
];

export function openNewToken(): void {
  modals.open({ title: "New access token", children: <NewToken />, closeOnClickOutside: false });
}

function NewToken() {
  const [label, setLabel] = useState("");
  const [days, setDays] = useState<string | null>("90");
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: () => {
      const expiration = days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : undefined;
      return createToken({ label, expiration });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  if (create.data) return <FreshToken token={create.data} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Label"
          placeholder="What uses it?"
          data-autofocus
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
        <Select label="Lifetime" data={LIFETIMES} value={days} onChange={setDays} allowDeselect={false} />
        {create.error && <FormError>{errorMessage(create.error)}</FormError>}
        <Button type="submit" loading={create.isPending} disabled={!label.trim()}>
          Create token
        </Button>
      </Stack>
    </form>
  );
}

function FreshToken({ token }: { token: string }) {
  return (
    <Stack gap="sm">
      <Alert color="yellow" p="xs">
        <Text fz="sm" c="var(--mantine-color-text)">
          Copy it now: it is not shown again.
        </Text>
      </Alert>
      <CodeBlock text={token} label="token" />
      <Button variant="default" onClick={() => modals.closeAll()}>
        I have it
      </Button>
    </Stack>
  );
}
