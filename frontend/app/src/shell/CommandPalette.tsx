/** Ctrl-K: every script and every page by a few letters of its name. */

import { scriptsQuery } from "@app/api/scripts";
import { useWorkspace } from "@app/session/useWorkspace";
import { matches } from "@core/search";
import { Spotlight } from "@mantine/spotlight";
import {
  IconAlertCircle,
  IconBox,
  IconHome,
  IconKey,
  IconPlayerPlay,
  IconPlus,
  IconSearch,
  IconSettings,
  IconTicket,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { LanguageIcon } from "@ui/LanguageIcon";
import { type ReactNode, useState } from "react";

type Command = { label: string; description?: string; icon: ReactNode; run: () => void };

const SCRIPTS_SHOWN = 8;

/** The title only names the window for screen readers; faded text would miss the contrast it needs. */
const STYLES = {
  header: { display: "none" },
  actionSection: { opacity: 1 },
  actionDescription: { opacity: 1 },
};

export function CommandPalette() {
  const [query, setQuery] = useState("");
  const scripts = useScriptCommands(query);
  const pages = usePageCommands().filter(({ label }) => matches(query, label));
  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      shortcut="mod + K"
      tagsToIgnore={[]}
      triggerOnContentEditable
      title="Search and commands"
      styles={STYLES}
      scrollable
      maxHeight={440}
    >
      <Spotlight.Search placeholder="Search scripts and pages" leftSection={<IconSearch size={17} />} />
      <Spotlight.ActionsList>
        <CommandGroup label="Scripts" commands={scripts} />
        <CommandGroup label="Go to" commands={pages} />
        {scripts.length + pages.length === 0 && <Spotlight.Empty>Nothing has this name</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function CommandGroup({ label, commands }: { label: string; commands: Command[] }) {
  if (commands.length === 0) return null;
  return (
    <Spotlight.ActionsGroup label={label}>
      {commands.map(({ label, description, icon, run }) => (
        <Spotlight.Action
          key={label + description}
          label={label}
          description={description}
          leftSection={icon}
          onClick={run}
        />
      ))}
    </Spotlight.ActionsGroup>
  );
}

function useScriptCommands(query: string): Command[] {
  const { data: scripts = [] } = useQuery(scriptsQuery(useWorkspace()));
  const navigate = useNavigate();
  return scripts
    .filter(({ path, summary }) => matches(query, path, summary))
    .slice(0, SCRIPTS_SHOWN)
    .map(({ path, summary, language }) => ({
      label: summary || path,
      description: path,
      icon: <LanguageIcon language={language} size={22} />,
      run: () => navigate({ to: "/scripts/get/$", params: { _splat: path } }),
    }));
}

function usePageCommands(): Command[] {
  const navigate = useNavigate();
  return [
    { label: "Write a script", icon: <IconPlus size={17} />, run: () => navigate({ to: "/scripts/add" }) },
    { label: "Home", icon: <IconHome size={17} />, run: () => navigate({ to: "/" }) },
    { label: "Runs", icon: <IconPlayerPlay size={17} />, run: () => navigate({ to: "/runs" }) },
    {
      label: "Failed runs",
      icon: <IconAlertCircle size={17} />,
      run: () => navigate({ to: "/runs", search: { status: "failure" } }),
    },
    { label: "Variables", icon: <IconKey size={17} />, run: () => navigate({ to: "/variables" }) },
    { label: "Resources", icon: <IconBox size={17} />, run: () => navigate({ to: "/resources" }) },
    {
      label: "Access tokens",
      icon: <IconTicket size={17} />,
      run: () => navigate({ to: "/account/tokens" }),
    },
    {
      label: "Workspace",
      icon: <IconSettings size={17} />,
      run: () => navigate({ to: "/workspace/settings" }),
    },
  ];
}
