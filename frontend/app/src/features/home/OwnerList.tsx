/** The users and folders that own something, as a filter. */

import type { OwnerCount } from "@core/paths";
import { UnstyledButton } from "@mantine/core";
import { IconFolder, IconStack2, IconUser } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./HomePage.module.css";

type OwnerListProps = {
  owners: OwnerCount[];
  total: number;
  selected?: string;
  onSelect: (prefix: string | undefined) => void;
};

export function OwnerList({ owners, total, selected, onSelect }: OwnerListProps) {
  return (
    <nav className={classes.owners} aria-label="Folders and users">
      <Owner
        label="Everything"
        icon={<IconStack2 size={15} />}
        count={total}
        pressed={!selected}
        onClick={() => onSelect(undefined)}
      />
      {owners.map(({ prefix, count }) => (
        <Owner
          key={prefix}
          label={prefix}
          icon={prefix.startsWith("f/") ? <IconFolder size={15} /> : <IconUser size={15} />}
          count={count}
          pressed={selected === prefix}
          onClick={() => onSelect(selected === prefix ? undefined : prefix)}
        />
      ))}
    </nav>
  );
}

type OwnerProps = { label: string; icon: ReactNode; count: number; pressed: boolean; onClick: () => void };

function Owner({ label, icon, count, pressed, onClick }: OwnerProps) {
  return (
    <UnstyledButton className={classes.owner} aria-pressed={pressed} onClick={onClick}>
      {icon}
      {label}
      <span className={classes.count}>{count}</span>
    </UnstyledButton>
  );
}
