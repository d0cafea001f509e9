/** The keys that do the same as the button they stand in. */

export function KeyHint({ keys }: { keys: string }) {
  return (
    <span aria-hidden="true" style={{ fontSize: "0.6875rem", fontWeight: 500 }}>
      {keys}
    </span>
  );
}
