/** Where a person signs in. */

import { login } from "@app/api/account";
import { ApiError, errorMessage } from "@app/api/client";
import { safeReturn } from "@core/links";
import { Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { FormError } from "@ui/FormError";
import { Wordmark } from "@ui/Wordmark";
import { type FormEvent, useState } from "react";
import classes from "./LoginPage.module.css";

function loginProblem(error: Error): string {
  const status = error instanceof ApiError ? error.status : -1;
  if (status === 400 || status === 401) return "This e-mail and password do not belong together.";
  if (status === 429) return "Too many attempts. Wait a minute and try again.";
  return errorMessage(error);
}

export function LoginPage() {
  useDocumentTitle("Sign in · Windlass");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const client = useQueryClient();
  const router = useRouter();
  const search = useSearch({ from: "/login" });
  const signIn = useMutation({
    mutationFn: () => login(email, password),
    onSuccess: () => {
      client.clear();
      router.history.push(safeReturn(search.return));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <Center mih="100vh" p="md" component="main" className={classes.page}>
      <Stack gap="xl" w={360}>
        <Stack gap={10} align="center">
          <Wordmark size={34} />
          <Text c="dimmed" fz="sm" ta="center">
            Scripts, lifted into workflows, webhooks and forms.
          </Text>
        </Stack>
        <Paper p="xl" withBorder radius="lg" shadow="xs">
          <form onSubmit={submit}>
            <Stack gap="md">
              <Title order={1}>Sign in</Title>
              <TextInput
                label="E-mail"
                type="email"
                autoComplete="username"
                autoFocus
                value={email}
                onChange={(event) => setEmail(event.currentTarget.value)}
              />
              <PasswordInput
                label="Password"
                autoComplete="current-password"
                value={password}
                onChange={(event) => setPassword(event.currentTarget.value)}
              />
              {signIn.error && <FormError>{loginProblem(signIn.error)}</FormError>}
              <Button type="submit" fullWidth loading={signIn.isPending} disabled={!email || !password}>
                Sign in
              </Button>
            </Stack>
          </form>
        </Paper>
      </Stack>
    </Center>
  );
}
