/** The column on the left: workspace, search, places, person. */

import { ActionIcon, Kbd, Tooltip, UnstyledButton } from "@mantine/core";
import { spotlight } from "@mantine/spotlight";
import {
  IconBook,
  IconBox,
  IconHome,
  IconKey,
  IconLayoutSidebar,
  IconPlayerPlay,
  IconSearch,
  IconSettings,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Sign, Wordmark } from "@ui/Wordmark";
import type { ReactNode } from "react";
import classes from "./Shell.module.css";
import { UserMenu } from "./UserMenu";
import { WorkspaceSwitcher } from "./WorkspaceSwitcher";

const PLACES = [
  { to: "/", label: "Home", icon: IconHome },
  { to: "/runs", label: "Runs", icon: IconPlayerPlay },
  { to: "/variables", label: "Variables", icon: IconKey },
  { to: "/resources", label: "Resources", icon: IconBox },
  { to: "/workspace/settings", label: "Workspace", icon: IconSettings },
  { to: "/docs", label: "Documentation", icon: IconBook },
] as const;

type NavigationProps = { folded: boolean; onFold: () => void; onNavigate: () => void };

export function Navigation({ folded, onFold, onNavigate }: NavigationProps) {
  const mark = folded || undefined;
  return (
    <div className={classes.nav}>
      <div className={classes.brand} data-folded={mark}>
        <Link to="/" aria-label="Windlass, home">
          {folded ? <Sign /> : <Wordmark size={22} />}
        </Link>
        <Tooltip label={folded ? "Unfold navigation" : "Fold navigation"} position="right">
          <ActionIcon aria-label="Fold navigation" aria-pressed={folded} onClick={onFold} visibleFrom="sm">
            <IconLayoutSidebar size={17} />
          </ActionIcon>
        </Tooltip>
      </div>
      <WorkspaceSwitcher folded={folded} />
      <Hint label="Search" shown={folded}>
        <UnstyledButton
          className={`${classes.item} ${classes.search}`}
          data-folded={mark}
          onClick={spotlight.open}
          aria-label={folded ? "Search and commands" : undefined}
        >
          <IconSearch size={16} />
          {!folded && (
            <>
              <span style={{ flex: 1 }}>Search</span>
              <Kbd size="xs" aria-hidden>
                Ctrl K
              </Kbd>
            </>
          )}
        </UnstyledButton>
      </Hint>
      {PLACES.map(({ to, label, icon: Icon }) => (
        <Hint key={to} label={label} shown={folded}>
          <Link
            to={to}
            className={classes.item}
            data-folded={mark}
            activeOptions={{ exact: to === "/", includeSearch: false }}
            onClick={onNavigate}
            aria-label={label}
          >
            <Icon size={17} stroke={1.7} />
            {!folded && label}
          </Link>
        </Hint>
      ))}
      <div className={classes.spacer} />
      <UserMenu folded={folded} />
    </div>
  );
}

/** The name of a place beside its icon, where the icon stands alone. */
function Hint({ label, shown, children }: { label: string; shown: boolean; children: ReactNode }) {
  return (
    <Tooltip label={label} position="right" disabled={!shown}>
      {children}
    </Tooltip>
  );
}
