import { graphql } from "../../gql";

/** Campaigns for SearchSelect. */
export const CampaignChoicesDocument = graphql(`
  query CampaignChoices($search: String, $chosen: ID!, $known: Boolean!) {
    found: campaigns(search: $search, first: 50) {
      nodes {
        id
        name
      }
    }
    chosen: node(id: $chosen) @include(if: $known) {
      ... on Campaign {
        id
        name
      }
    }
  }
`);
