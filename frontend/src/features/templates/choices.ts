import { useQuery } from "urql";
import { graphql } from "../../gql";
import { languageName, midSentence, words } from "../../lib/format";
import { real } from "../../lib/node";

type Choice = { id: string; name: string; language: string; approvalStatus: string };

/**
 * "Autumn sale", with its language beside its translations: "Autumn sale · German"; and of one that cannot go out yet why:
 * "Autumn sale (pending)"
 */
export function templateText(of: Choice, among: readonly Choice[] = []) {
  const translated = among.some((other) => other.id !== of.id && other.name === of.name);
  const name = translated ? `${of.name} · ${languageName(of.language)}` : of.name;
  return of.approvalStatus === "APPROVED" ? name : `${name} (${midSentence(words(of.approvalStatus))})`;
}

/** Templates for SearchSelect. */
export const TemplateChoicesDocument = graphql(`
  query TemplateChoices($search: String, $chosen: ID!, $known: Boolean!) {
    found: templates(filter: { search: $search }, first: 50) {
      nodes {
        id
        name
        language
        approvalStatus
      }
    }
    chosen: node(id: $chosen) @include(if: $known) {
      ... on Template {
        id
        name
        language
        approvalStatus
      }
    }
  }
`);

/** The template that somebody has chosen, and whether it is still being asked for. */
export function useChosenTemplate(id: string | null | undefined) {
  const [{ data, fetching }] = useQuery({
    query: TemplateChoicesDocument,
    variables: { search: null, chosen: id ?? "", known: true },
    pause: !id,
  });
  return { template: id ? real(data?.chosen, "Template") : undefined, fetching };
}
