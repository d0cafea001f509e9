/** A deployed script: what it is for, its run form, and everything there is to know about it. */

import { deploymentQuery, scriptQuery } from "@app/api/scripts";
import type { Script } from "@app/api/types";
import { ButtonLink, TextLink } from "@app/session/links";
import { QueryState } from "@app/session/QueryState";
import { useWorkspace } from "@app/session/useWorkspace";
import { Alert, Code, Group, Loader, Stack, Tabs, Text } from "@mantine/core";
import { IconArchive, IconPencil } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ItemPath } from "@ui/ItemPath";
import { LanguageIcon } from "@ui/LanguageIcon";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { Panel } from "@ui/Panel";
import { RelativeTime } from "@ui/RelativeTime";
import { lazy, Suspense } from "react";
import { DeploymentBanner } from "./DeploymentBanner";
import { HistoryTab } from "./HistoryTab";
import { RunForm } from "./RunForm";
import { CodeTab, LockTab, RunsTab } from "./ScriptTabs";
import classes from "./scripts.module.css";
import { WebhooksTab } from "./WebhooksTab";

const Markdown = lazy(() => import("@ui/Markdown"));

export function ScriptPage() {
  const { _splat: path = "" } = useParams({ from: "/shell/scripts/get/$" });
  const script = useQuery(scriptQuery(useWorkspace(), path));
  return (
    <Page>
      <QueryState query={script}>{(data) => <ScriptView key={data.hash} script={data} />}</QueryState>
    </Page>
  );
}

function ScriptView({ script }: { script: Script }) {
  const { path, summary, description, language, created_by, created_at, archived } = script;
  return (
    <>
      <PageHeader
        title={summary || path}
        heading={
          <Group gap="sm" wrap="nowrap">
            <LanguageIcon language={language} size={30} />
            {summary || path}
          </Group>
        }
        about={
          <Group gap="xs" mt={4}>
            <ItemPath path={path} />
            <span>·</span>
            <span>
              {created_by}, <RelativeTime at={created_at} />
            </span>
            {script.tag && <Code>{script.tag}</Code>}
          </Group>
        }
        actions={
          <ButtonLink
            to="/scripts/edit/$"
            params={{ _splat: path }}
            variant="default"
            leftSection={<IconPencil size={16} />}
          >
            Edit
          </ButtonLink>
        }
      />
      {archived && (
        <Alert icon={<IconArchive size={16} />} color="gray" mb="md">
          This script is archived. Deploy it once more to bring it back.
        </Alert>
      )}
      <DeploymentBanner script={script} />
      <div className={classes.columns}>
        <Stack gap="md" miw={0}>
          {description && (
            <Suspense fallback={<Loader size="sm" />}>
              <Markdown text={description} />
            </Suspense>
          )}
          <Panel title="Run">
            <RunForm script={script} />
          </Panel>
        </Stack>
        <Details script={script} />
      </div>
    </>
  );
}

function Details({ script }: { script: Script }) {
  const workspace = useWorkspace();
  const { tab = "code" } = useSearch({ from: "/shell/scripts/get/$" });
  const navigate = useNavigate({ from: "/scripts/get/$" });
  const { data: deployment } = useQuery(deploymentQuery(workspace, script.hash));
  const open = (next: string | null) =>
    navigate({
      search: { tab: next === "code" ? undefined : (next as "runs") },
      hash: true,
      replace: true,
    });
  return (
    <Panel>
      <Tabs value={tab} onChange={open} keepMounted={false}>
        <Tabs.List px="xs">
          <Tabs.Tab value="code">Code</Tabs.Tab>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
          <Tabs.Tab value="lock">Lock</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="code">
          <CodeTab script={script} />
        </Tabs.Panel>
        <Tabs.Panel value="runs">
          <RunsTab path={script.path} />
          <Text fz="sm" p="sm">
            <TextLink to="/runs" search={{ path: script.path }} fz="sm">
              All runs of this script
            </TextLink>
          </Text>
        </Tabs.Panel>
        <Tabs.Panel value="webhooks">
          <WebhooksTab script={script} />
        </Tabs.Panel>
        <Tabs.Panel value="history">
          <HistoryTab script={script} />
        </Tabs.Panel>
        <Tabs.Panel value="lock">
          <LockTab lock={deployment?.lock ?? script.lock} />
        </Tabs.Panel>
      </Tabs>
    </Panel>
  );
}
