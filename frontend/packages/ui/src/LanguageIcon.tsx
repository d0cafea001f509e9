/** A small monogram for a script's language, with its name for screen readers. */

import classes from "./LanguageIcon.module.css";

type Look = { label: string; short: string; color: string };

const LOOKS: Record<string, Look> = {
  python3: { label: "Python", short: "Py", color: "#3b76a8" },
  bash: { label: "Bash", short: "$_", color: "#3f6b3f" },
  bun: { label: "TypeScript (Bun)", short: "TS", color: "#2f6fbd" },
  deno: { label: "TypeScript (Deno)", short: "De", color: "#3c4a57" },
  nativets: { label: "TypeScript (native)", short: "TS", color: "#2f6fbd" },
  go: { label: "Go", short: "Go", color: "#0b7d99" },
  postgresql: { label: "PostgreSQL", short: "Pg", color: "#355f8a" },
  mysql: { label: "MySQL", short: "My", color: "#7a5b12" },
  duckdb: { label: "DuckDB", short: "Dk", color: "#756300" },
  graphql: { label: "GraphQL", short: "GQ", color: "#b0247f" },
  powershell: { label: "PowerShell", short: "PS", color: "#34519c" },
  php: { label: "PHP", short: "ph", color: "#5b5f97" },
  rust: { label: "Rust", short: "Rs", color: "#8f4423" },
  ansible: { label: "Ansible", short: "An", color: "#5a5a5a" },
};

/** The language's name as people write it; unknown languages keep their own. */
export function languageLabel(language: string): string {
  return LOOKS[language]?.label ?? language;
}

export function LanguageIcon({ language, size = 26 }: { language: string; size?: number }) {
  const look = LOOKS[language] ?? { label: language, short: language.slice(0, 2), color: "#55616c" };
  return (
    <span
      className={classes.icon}
      role="img"
      aria-label={look.label}
      title={look.label}
      style={{ width: size, height: size, fontSize: size * 0.42, background: look.color }}
    >
      {look.short}
    </span>
  );
}
