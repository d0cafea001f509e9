import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const api = process.env.WINDLASS_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  publicDir: "app/public",
  resolve: {
    alias: {
      "@core": here("./packages/core/src"),
      "@ui": here("./packages/ui/src"),
      "@app": here("./app/src"),
    },
  },
  server: { host: "127.0.0.1", proxy: { "/api": { target: api } } },
  build: {
    outDir: "../src/windlass/api/static",
    emptyOutDir: true,
    manifest: true,
    // Browsers from 2024 on: older targets would rewrite light-dark() so that it no longer follows the theme.
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // The content security policy allows no data: fonts or scripts, so nothing is inlined.
    assetsInlineLimit: 0,
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "core",
          include: ["packages/core/tests/*.test.ts", "tests/*.test.ts"],
          environment: "node",
        },
      },
      {
        extends: true,
        test: {
          name: "pages",
          include: ["packages/ui/tests/*.test.tsx", "app/tests/*.test.{ts,tsx}"],
          environment: "happy-dom",
          setupFiles: ["./tests/setup.ts"],
        },
      },
    ],
  },
});
