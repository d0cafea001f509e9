/** Buttons and menu items that are links to pages, with the addresses checked by the compiler. */

import {
  ActionIcon,
  type ActionIconProps,
  Anchor,
  type AnchorProps,
  Button,
  type ButtonProps,
  Menu,
  type MenuItemProps,
  UnstyledButton,
  type UnstyledButtonProps,
} from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { ComponentProps } from "react";

type LinkProps<Props> = Props & Omit<ComponentProps<"a">, keyof Props>;

export const ButtonLink = createLink((props: LinkProps<ButtonProps>) => <Button component="a" {...props} />);

export const IconLink = createLink((props: LinkProps<ActionIconProps>) => (
  <ActionIcon component="a" {...props} />
));

export const MenuLink = createLink((props: LinkProps<MenuItemProps>) => (
  <Menu.Item component="a" {...props} />
));

export const TextLink = createLink((props: LinkProps<AnchorProps>) => <Anchor {...props} />);

export const CardLink = createLink((props: LinkProps<UnstyledButtonProps>) => (
  <UnstyledButton component="a" {...props} />
));
