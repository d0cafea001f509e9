/** A bordered surface with an optional heading: the container of every list and block. */

import { Table, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Panel.module.css";

type PanelProps = { title?: ReactNode; actions?: ReactNode; children: ReactNode };

export function Panel({ title, actions, children }: PanelProps) {
  return (
    <section className={classes.panel}>
      {(title || actions) && (
        <header className={classes.head}>
          <span style={{ flex: 1 }}>{title}</span>
          {actions}
        </header>
      )}
      {children}
    </section>
  );
}

type PanelTableProps = { columns: string[]; children: ReactNode; label: string; maxHeight?: number };

/** A table that fills a panel and scrolls by itself; a column without a name holds what can be done. */
export function PanelTable({ columns, children, label, maxHeight }: PanelTableProps) {
  return (
    <section className={classes.scroll} style={{ maxHeight }} tabIndex={0} aria-label={label}>
      <Table
        stickyHeader={maxHeight !== undefined}
        className={classes.table}
        verticalSpacing={7}
        horizontalSpacing="sm"
        fz="sm"
        aria-label={label}
      >
        <Table.Thead>
          <Table.Tr>
            {columns.map((column, index) => (
              <Table.Th key={index}>{column || <VisuallyHidden>Actions</VisuallyHidden>}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </section>
  );
}

type PanelRowProps = { children: ReactNode; onClick?: () => void };

/** A row; one that can be clicked must hold a link to the same place for keyboards and screen readers. */
export function PanelRow({ children, onClick }: PanelRowProps) {
  return (
    <Table.Tr className={classes.row} onClick={onClick} style={onClick ? { cursor: "pointer" } : undefined}>
      {children}
    </Table.Tr>
  );
}
