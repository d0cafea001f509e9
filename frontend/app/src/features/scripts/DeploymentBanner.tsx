/** How far the deployment of a version is: at work, failed with the resolver's own words, or silent when done. */

import { deploymentQuery, isDeployed } from "@app/api/scripts";
import type { Script } from "@app/api/types";
import { useLiveJob } from "@app/api/useLiveJob";
import { TextLink } from "@app/session/links";
import { useWorkspace } from "@app/session/useWorkspace";
import { lastLine } from "@core/logs";
import { Alert, Loader, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { CodeBlock } from "@ui/CodeBlock";

export function DeploymentBanner({ script }: { script: Script }) {
  const { data: status } = useQuery(deploymentQuery(useWorkspace(), script.hash));
  if (status?.lock_error_logs) {
    return (
      <Alert
        color="red"
        mb="md"
        icon={<IconAlertTriangle size={18} />}
        title="The dependencies could not be resolved"
      >
        <Text fz="sm" mb="xs" c="var(--mantine-color-text)">
          Runs of this version will fail until the script is changed and deployed again.
        </Text>
        <CodeBlock text={status.lock_error_logs} label="error of the resolver" maxHeight={240} />
      </Alert>
    );
  }
  if (!status || isDeployed(status)) return null;
  return (
    <Alert mb="md" icon={<Loader size={16} />} title="Installing dependencies…" role="status">
      {status.job_id && <Progress jobId={status.job_id} />}
    </Alert>
  );
}

function Progress({ jobId }: { jobId: string }) {
  const { log } = useLiveJob(useWorkspace(), jobId);
  return (
    <Text fz="xs" ff="monospace" c="var(--mantine-color-text)">
      {lastLine(log)}{" "}
      <TextLink to="/run/$id" params={{ id: jobId }} fz="xs" ff="text" underline="always">
        See the whole log
      </TextLink>
    </Text>
  );
}
