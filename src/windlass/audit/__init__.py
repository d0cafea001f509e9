"""The audit log: who did what to which thing. Append-only; written in the transaction of the deed."""
