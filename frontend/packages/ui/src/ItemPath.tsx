/** An item's path, its owner quieter than its name. */

import { leafOf, ownerPrefix } from "@core/paths";
import classes from "./ItemPath.module.css";

export function ItemPath({ path }: { path: string }) {
  return (
    <span className={classes.path} title={path}>
      <span className={classes.owner}>{ownerPrefix(path)}/</span>
      {leafOf(path)}
    </span>
  );
}
