/** A new script: first its language, then the editor with the language's template. */

import { languagesQuery } from "@app/api/scripts";
import type { Language } from "@app/api/types";
import { CardLink } from "@app/session/links";
import { QueryState } from "@app/session/QueryState";
import { useOwnPrefix } from "@app/session/useWorkspace";
import { Center, SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { LanguageIcon, languageLabel } from "@ui/LanguageIcon";
import { Page } from "@ui/Page";
import { PageHeader } from "@ui/PageHeader";
import { ScriptEditor } from "./ScriptEditor";
import classes from "./scripts.module.css";

export function AddScriptPage() {
  const { language: name } = useSearch({ from: "/shell/scripts/add" });
  const languages = useQuery(languagesQuery);
  const prefix = useOwnPrefix();
  return (
    <QueryState query={languages}>
      {(all) => {
        const language = all.find((each) => each.name === name);
        if (!language) return <LanguageChoice languages={all} />;
        return <ScriptEditor key={language.name} initial={blank(language, prefix)} />;
      }}
    </QueryState>
  );
}

function blank(language: Language, prefix: string) {
  return { path: prefix, summary: "", content: language.template, language: language.name };
}

function LanguageChoice({ languages }: { languages: Language[] }) {
  return (
    <Page width={760}>
      <PageHeader title="New script" about="Which language do you want to write it in?" />
      <SimpleGrid cols={{ base: 1, xs: 2, sm: 3 }}>
        {languages.map(({ name }) => (
          <CardLink key={name} to="/scripts/add" search={{ language: name }} className={classes.choice}>
            <LanguageIcon language={name} size={34} />
            <Text component="span" fw={550}>
              {languageLabel(name)}
            </Text>
          </CardLink>
        ))}
      </SimpleGrid>
      {languages.length === 0 && <Center py="xl">This server has no languages.</Center>}
    </Page>
  );
}
