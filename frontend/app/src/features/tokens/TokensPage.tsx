/** The access tokens of the person: for webhooks, the command line and other programs. */

import { deleteToken, tokensQuery } from "@app/api/account";
import type { Token } from "@app/api/types";
import { QueryState } from "@app/session/QueryState";
import { toastDone, toastError } from "@app/session/toasts";
import { ActionIcon, Badge, Button, Code } from "@mantine/core";
import { IconPlus, IconTicket, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { confirmDelete } from "@ui/confirmDelete";
import { EmptyState } from "@ui/EmptyState";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel, PanelRow, PanelTable } from "@ui/Panel";
import { RelativeTime } from "@ui/RelativeTime";
import { openNewToken } from "./NewToken";

export function TokensPage() {
  const tokens = useQuery(tokensQuery);
  return (
    <Page width={980}>
      <PageHeader
        title="Access tokens"
        about="Who holds a token acts as you. Give each program its own, and delete it when it is done."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={openNewToken}>
            Token
          </Button>
        }
      />
      <Panel>
        <QueryState query={tokens}>
          {(all) => (all.length > 0 ? <TokenTable tokens={all} /> : <NoTokens />)}
        </QueryState>
      </Panel>
    </Page>
  );
}

function NoTokens() {
  return (
    <EmptyState
      icon={<IconTicket size={20} />}
      title="No tokens yet"
      action={
        <Button size="xs" onClick={openNewToken}>
          Create a token
        </Button>
      }
    >
      A token lets curl, the command line or another program run your scripts.
    </EmptyState>
  );
}

const cell = { padding: "7px 12px" };

function TokenTable({ tokens }: { tokens: Token[] }) {
  return (
    <PanelTable columns={["Token", "Label", "Last used", "Created", "Expires", ""]} label="Access tokens">
      {tokens.map((token) => (
        <PanelRow key={token.token_prefix}>
          <td style={cell}>
            <Code>{token.token_prefix}…</Code>
          </td>
          <td style={cell}>{token.label}</td>
          <td style={cell}>
            <RelativeTime at={token.last_used_at} />
          </td>
          <td style={cell}>
            <RelativeTime at={token.created_at} />
          </td>
          <td style={cell}>
            <Expiry at={token.expiration} />
          </td>
          <td style={{ ...cell, width: "1%" }}>
            <DeleteToken token={token} />
          </td>
        </PanelRow>
      ))}
    </PanelTable>
  );
}

function Expiry({ at }: { at?: string | null }) {
  if (!at) return "Never";
  if (Date.parse(at) > Date.now()) return <RelativeTime at={at} />;
  return (
    <Badge color="red" size="sm">
      Expired
    </Badge>
  );
}

function DeleteToken({ token }: { token: Token }) {
  const client = useQueryClient();
  const name = token.label ?? token.token_prefix;
  const erase = useMutation({
    mutationFn: () => deleteToken(token.token_prefix),
    onSuccess: () => {
      toastDone(`The token ${name} is deleted`);
      client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
    onError: (error) => toastError(error),
  });
  return (
    <ActionIcon
      aria-label={`Delete ${name}`}
      onClick={(event) =>
        confirmDelete(event, {
          title: "Delete this token?",
          message: `Programs that use ${name} are locked out at once.`,
          onConfirm: () => erase.mutate(),
        })
      }
    >
      <IconTrash size={16} />
    </ActionIcon>
  );
}
