import { graphql } from "../../gql";

/** Contacts for SearchSelect. */
export const ContactChoicesDocument = graphql(`
  query ContactChoices($search: String, $chosen: ID!, $known: Boolean!) {
    found: contacts(search: $search, first: 25) {
      nodes {
        id
        name
        displayAddress
      }
    }
    chosen: node(id: $chosen) @include(if: $known) {
      ... on Contact {
        id
        name
        displayAddress
      }
    }
  }
`);
