/** Every address of the web page and the page that belongs to it. Pages are loaded when they are first visited. */

import { errorMessage } from "@app/api/client";
import { Shell } from "@app/shell/Shell";
import { Center, VisuallyHidden } from "@mantine/core";
import {
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  Outlet,
} from "@tanstack/react-router";
import { ErrorState } from "@ui/ErrorState";
import { oneOf, text } from "./searchParams";

type Search = Record<string, unknown>;

type RunsSearch = {
  path?: string;
  status?: (typeof statuses)[number];
  kind?: (typeof kinds)[number];
  user?: string;
};

const statuses = ["success", "failure", "running", "queued"] as const;
const kinds = ["script", "preview", "dependencies"] as const;
const scriptTabs = ["code", "runs", "webhooks", "history", "lock"] as const;

const root = createRootRoute({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search: Search): { return?: string } => ({ return: text(search.return) }),
  component: lazyRouteComponent(() => import("@app/features/login/LoginPage"), "LoginPage"),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Shell,
  validateSearch: (search: Search): { workspace?: string } => ({ workspace: text(search.workspace) }),
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  validateSearch: (search: Search): { q?: string; owner?: string } => ({
    q: text(search.q),
    owner: text(search.owner),
  }),
  component: lazyRouteComponent(() => import("@app/features/home/HomePage"), "HomePage"),
});

const scriptAdd = createRoute({
  getParentRoute: () => shell,
  path: "/scripts/add",
  validateSearch: (search: Search): { language?: string } => ({ language: text(search.language) }),
  component: lazyRouteComponent(() => import("@app/features/scripts/AddScriptPage"), "AddScriptPage"),
});

const scriptEdit = createRoute({
  getParentRoute: () => shell,
  path: "/scripts/edit/$",
  component: lazyRouteComponent(() => import("@app/features/scripts/EditScriptPage"), "EditScriptPage"),
});

const script = createRoute({
  getParentRoute: () => shell,
  path: "/scripts/get/$",
  validateSearch: (search: Search): { tab?: (typeof scriptTabs)[number] } => ({
    tab: oneOf(scriptTabs, search.tab),
  }),
  component: lazyRouteComponent(() => import("@app/features/scripts/ScriptPage"), "ScriptPage"),
});

const run = createRoute({
  getParentRoute: () => shell,
  path: "/run/$id",
  component: lazyRouteComponent(() => import("@app/features/runs/RunPage"), "RunPage"),
});

const runs = createRoute({
  getParentRoute: () => shell,
  path: "/runs",
  validateSearch: (search: Search): RunsSearch => ({
    path: text(search.path),
    status: oneOf(statuses, search.status),
    kind: oneOf(kinds, search.kind),
    user: text(search.user),
  }),
  component: lazyRouteComponent(() => import("@app/features/runs/RunsPage"), "RunsPage"),
});

const variables = createRoute({
  getParentRoute: () => shell,
  path: "/variables",
  component: lazyRouteComponent(() => import("@app/features/variables/VariablesPage"), "VariablesPage"),
});

const resources = createRoute({
  getParentRoute: () => shell,
  path: "/resources",
  validateSearch: (search: Search): { tab?: "types" } => ({ tab: oneOf(["types"], search.tab) }),
  component: lazyRouteComponent(() => import("@app/features/resources/ResourcesPage"), "ResourcesPage"),
});

const docsPage = lazyRouteComponent(() => import("@app/features/docs/DocsPage"), "DocsPage");
const docs = createRoute({ getParentRoute: () => shell, path: "/docs", component: docsPage });
const docsAt = createRoute({ getParentRoute: () => shell, path: "/docs/$", component: docsPage });

const tokens = createRoute({
  getParentRoute: () => shell,
  path: "/account/tokens",
  component: lazyRouteComponent(() => import("@app/features/tokens/TokensPage"), "TokensPage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/workspace/settings",
  component: lazyRouteComponent(() => import("@app/features/settings/WorkspacePage"), "WorkspacePage"),
});

const routeTree = root.addChildren([
  login,
  shell.addChildren([
    home,
    scriptAdd,
    scriptEdit,
    script,
    run,
    runs,
    variables,
    resources,
    tokens,
    settings,
    docs,
    docsAt,
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => (
    <ErrorState title="This page broke" message={errorMessage(error)} onRetry={reset} />
  ),
  defaultNotFoundComponent: NotFound,
});

function NotFound() {
  return (
    <main>
      <VisuallyHidden>
        <h1>Not found</h1>
      </VisuallyHidden>
      <ErrorState title="There is no such page" message={location.pathname} />
      <Center>
        <Link to="/">Back to Home</Link>
      </Center>
    </main>
  );
}

/** Shows the login page and remembers where the person was. */
export function toLogin(): void {
  if (location.pathname === "/login") return;
  router.navigate({ to: "/login", search: { return: location.pathname + location.search + location.hash } });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
