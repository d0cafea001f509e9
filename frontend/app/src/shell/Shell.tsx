/** The frame around every page for a person who is signed in: navigation, palette, shortcuts. */

import { personQuery } from "@app/api/account";
import { QueryState } from "@app/session/QueryState";
import { WorkspaceProvider } from "@app/session/useWorkspace";
import { AppShell, Burger, Center, Group, Loader } from "@mantine/core";
import { useDisclosure, useLocalStorage } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Outlet } from "@tanstack/react-router";
import { Wordmark } from "@ui/Wordmark";
import { useState } from "react";
import { CommandPalette } from "./CommandPalette";
import { FirstPassword } from "./FirstPassword";
import { FirstWorkspace } from "./FirstWorkspace";
import { Navigation } from "./Navigation";
import classes from "./Shell.module.css";
import { useShortcuts } from "./Shortcuts";

export function Shell() {
  const person = useQuery(personQuery);
  const [postponed, setPostponed] = useState(false);
  const loading = (
    <Center h="100vh">
      <Loader size="sm" />
    </Center>
  );
  return (
    <QueryState query={person} loading={loading}>
      {({ must_change_password }) =>
        must_change_password && !postponed ? (
          <FirstPassword onDone={() => setPostponed(true)} />
        ) : (
          <WorkspaceProvider loading={loading} whenNone={<FirstWorkspace />}>
            <Frame />
          </WorkspaceProvider>
        )
      }
    </QueryState>
  );
}

function Frame() {
  const [opened, { toggle, close }] = useDisclosure();
  const [folded, setFolded] = useLocalStorage({ key: "windlass.navigation-folded", defaultValue: false });
  useShortcuts();
  return (
    <AppShell
      layout="alt"
      padding={0}
      header={{ height: { base: 48, sm: 0 } }}
      navbar={{ width: folded ? 60 : 216, breakpoint: "sm", collapsed: { mobile: !opened } }}
      transitionDuration={120}
    >
      <a href="#main" className={classes.skip}>
        Skip to the page
      </a>
      <AppShell.Header hiddenFrom="sm" px="sm" className={classes.bar}>
        <Group h="100%" gap="sm">
          <Burger opened={opened} onClick={toggle} size="sm" aria-label="Navigation" />
          <Wordmark size={20} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.bar} component="nav" aria-label="Main">
        <Navigation folded={folded && !opened} onFold={() => setFolded(!folded)} onNavigate={close} />
      </AppShell.Navbar>
      <AppShell.Main id="main" className={classes.main}>
        <Outlet />
      </AppShell.Main>
      <CommandPalette />
    </AppShell>
  );
}
