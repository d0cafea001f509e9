/** How to run the script from elsewhere: ready commands, and where the token comes from. */

import type { Script } from "@app/api/types";
import { TextLink } from "@app/session/links";
import { useWorkspace } from "@app/session/useWorkspace";
import { asyncUrl, curlSnippet, pythonSnippet, syncUrl } from "@core/links";
import { defaultsOf, fieldsOf } from "@core/schema";
import { Stack, Tabs, Text } from "@mantine/core";
import { CodeBlock } from "@ui/CodeBlock";
import { useMemo } from "react";

export function WebhooksTab({ script }: { script: Script }) {
  const workspace = useWorkspace();
  const target = useMemo(() => {
    const args = exampleArgs(script);
    return { origin: location.origin, workspace, path: script.path, args };
  }, [script, workspace]);
  return (
    <Stack gap="sm" p="sm">
      <Text fz="sm">
        Each call carries an access token.{" "}
        <TextLink to="/account/tokens" fz="sm" underline="always">
          Create a token
        </TextLink>{" "}
        and put it into <code>TOKEN</code>.
      </Text>
      <Tabs defaultValue="curl" variant="pills">
        <Tabs.List mb="sm">
          <Tabs.Tab value="curl">curl</Tabs.Tab>
          <Tabs.Tab value="python">Python</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="curl">
          <Stack gap="sm">
            <Snippet title="Wait for the result" text={curlSnippet(syncUrl(target), target.args)} />
            <Snippet
              title="Start and go on: answers the run's id"
              text={curlSnippet(asyncUrl(target), target.args)}
            />
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="python">
          <Snippet title="pip install wmill" text={pythonSnippet(target)} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Snippet({ title, text }: { title: string; text: string }) {
  return (
    <div>
      <Text fz="xs" c="dimmed" mb={4}>
        {title}
      </Text>
      <CodeBlock text={text} label={title} />
    </div>
  );
}

const EXAMPLES: Record<string, unknown> = { number: 1, boolean: true, list: [], object: {}, json: null };

/** The defaults, and something of the right type for each argument that must be given. */
function exampleArgs(script: Script): Record<string, unknown> {
  const fields = fieldsOf(script.schema);
  const required = fields.filter((field) => field.required && field.default === undefined);
  const examples = required.map((field) => [field.name, EXAMPLES[field.kind] ?? "…"]);
  return { ...Object.fromEntries(examples), ...defaultsOf(fields) };
}
