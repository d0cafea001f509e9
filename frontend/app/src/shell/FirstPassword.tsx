/** Asks whoever signed in with the default password for one of their own. */

import { PasswordForm } from "@app/session/PasswordForm";
import { Button } from "@mantine/core";
import { CenteredCard } from "./CenteredCard";

export function FirstPassword({ onDone }: { onDone: () => void }) {
  return (
    <CenteredCard
      title="Choose your own password"
      about="You signed in with the default password, which everyone can read in the documentation."
    >
      <PasswordForm onDone={onDone} />
      <Button variant="subtle" color="gray" fullWidth mt="xs" onClick={onDone}>
        Remind me next time
      </Button>
    </CenteredCard>
  );
}
