/** What a person sees who belongs to no workspace yet. */

import { CenteredCard } from "./CenteredCard";
import { NewWorkspaceForm } from "./NewWorkspace";

export function FirstWorkspace() {
  return (
    <CenteredCard
      title="Create a workspace"
      about="A workspace holds scripts, their runs and what they need. You can have several."
    >
      <NewWorkspaceForm onCreated={() => undefined} />
    </CenteredCard>
  );
}
