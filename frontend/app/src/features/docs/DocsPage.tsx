/** The documentation of the running version: its pages on the left, one of them on the right. */

import { docsListQuery, docsPageQuery } from "@app/api/docs";
import { QueryState } from "@app/session/QueryState";
import { docsLink } from "@core/docs";
import { Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { lazy, Suspense } from "react";
import classes from "./docs.module.css";

const Markdown = lazy(() => import("@ui/Markdown"));
const FIRST = "start/first-script";

export function DocsPage() {
  const { _splat } = useParams({ strict: false });
  const name = _splat || FIRST;
  const list = useQuery(docsListQuery);
  return (
    <Page>
      <PageHeader title="Documentation" about="Of the version that you are using." />
      <div className={classes.columns}>
        <nav aria-label="Pages of the documentation" className={classes.pages}>
          {list.data?.map((page) => (
            <Link
              key={page.name}
              to="/docs/$"
              params={{ _splat: page.name }}
              className={classes.page}
              data-active={page.name === name || undefined}
            >
              {page.title}
            </Link>
          ))}
        </nav>
        <article className={classes.text}>
          <Text name={name} />
        </article>
      </div>
    </Page>
  );
}

function Text({ name }: { name: string }) {
  const page = useQuery(docsPageQuery(name));
  return (
    <QueryState query={page}>
      {(text) => (
        <Suspense fallback={<Skeleton h={300} />}>
          <Markdown text={text} link={(href) => docsLink(name, href)} />
        </Suspense>
      )}
    </QueryState>
  );
}
