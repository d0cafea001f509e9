/** The person: theme, tokens, password, shortcuts, sign out. */

import { logout, personQuery, versionQuery } from "@app/api/account";
import { MenuLink } from "@app/session/links";
import { PasswordForm } from "@app/session/PasswordForm";
import { toastDone, toastError } from "@app/session/toasts";
import {
  Avatar,
  type MantineColorScheme,
  Menu,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import { modals } from "@mantine/modals";
import { IconKeyboard, IconLock, IconLogout, IconTicket } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import classes from "./Shell.module.css";
import { openShortcuts } from "./Shortcuts";

const SCHEMES = [
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
  { value: "auto", label: "As the system" },
];

function openPassword(): void {
  const done = () => {
    modals.closeAll();
    toastDone("Your password is changed");
  };
  modals.open({ title: "Change password", children: <PasswordForm onDone={done} /> });
}

export function UserMenu({ folded }: { folded: boolean }) {
  const { data: person } = useQuery(personQuery);
  const { data: version } = useQuery(versionQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const client = useQueryClient();
  const navigate = useNavigate();
  const signOut = async () => {
    await logout().catch(toastError);
    client.clear();
    navigate({ to: "/login", search: { return: undefined } });
  };
  return (
    <Menu position="top-start" width={240}>
      <Menu.Target>
        <UnstyledButton
          className={classes.item}
          data-folded={folded || undefined}
          aria-label={folded ? `Account of ${person?.email}` : undefined}
        >
          <Avatar aria-hidden size={22} radius="xl" name={person?.email} />
          {!folded && (
            <>
              <VisuallyHidden>Account</VisuallyHidden>
              <span style={{ overflow: "hidden", textOverflow: "ellipsis" }}>{person?.email}</span>
            </>
          )}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Theme</Menu.Label>
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(scheme) => setColorScheme(scheme as MantineColorScheme)}
        >
          {SCHEMES.map(({ value, label }) => (
            <Menu.RadioItem key={value} value={value}>
              {label}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <MenuLink to="/account/tokens" leftSection={<IconTicket size={15} />}>
          Access tokens
        </MenuLink>
        <Menu.Item leftSection={<IconLock size={15} />} onClick={openPassword}>
          Change password
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={openShortcuts}>
          Keyboard shortcuts
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={signOut}>
          Sign out
        </Menu.Item>
        {version && (
          <Text fz="xs" c="dimmed" px="sm" py={4}>
            {version}
          </Text>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
