import { graphql } from "../../gql";

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
