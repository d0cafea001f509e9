/** A list of objects as a table, a page of rows at a time. Used by `RichResult`. */

import { cellText } from "@core/results";
import { Group, Pagination, Text } from "@mantine/core";
import { useState } from "react";
import { PanelRow, PanelTable } from "../Panel";
import classes from "./ResultTable.module.css";

const PAGE = 100;

type ResultTableProps = { columns: string[]; rows: Record<string, unknown>[] };

export function ResultTable({ columns, rows }: ResultTableProps) {
  const [page, setPage] = useState(1);
  const first = (page - 1) * PAGE;
  const pages = Math.ceil(rows.length / PAGE);
  return (
    <div className={classes.frame}>
      <PanelTable columns={columns} label="Result table" maxHeight={440}>
        {rows.slice(first, first + PAGE).map((row, index) => (
          <PanelRow key={first + index}>
            {columns.map((column) => (
              <td key={column} className={typeof row[column] === "number" ? classes.number : classes.cell}>
                {cellText(row[column])}
              </td>
            ))}
          </PanelRow>
        ))}
      </PanelTable>
      <Group justify="space-between" px="sm" py={6} className={classes.foot}>
        <Text fz="xs" c="dimmed">
          {rows.length} {rows.length === 1 ? "row" : "rows"}
        </Text>
        {pages > 1 && <Pagination size="xs" total={pages} value={page} onChange={setPage} />}
      </Group>
    </div>
  );
}
