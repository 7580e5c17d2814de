import { graphql } from "../../gql";
import { midSentence, words } from "../../lib/format";

/** "Autumn sale", and of one that cannot go out yet why: "Autumn sale (pending)" */
export const templateText = (of: { name: string; approvalStatus: string }) =>
  of.approvalStatus === "APPROVED" ? of.name : `${of.name} (${midSentence(words(of.approvalStatus))})`;

/** Templates for SearchSelect. */
export const TemplateChoicesDocument = graphql(`
  query TemplateChoices($search: String, $chosen: ID!, $known: Boolean!) {
    found: templates(filter: { search: $search }, first: 50) {
      nodes {
        id
        name
        approvalStatus
      }
    }
    chosen: node(id: $chosen) @include(if: $known) {
      ... on Template {
        id
        name
        approvalStatus
      }
    }
  }
`);
