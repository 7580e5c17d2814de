import { graphql } from "../../gql";

/** Segments for SearchSelect. */
export const SegmentChoicesDocument = graphql(`
  query SegmentChoices($search: String, $chosen: ID!, $known: Boolean!) {
    found: segments(search: $search, first: 50) {
      nodes {
        id
        name
        lastCount
      }
    }
    chosen: node(id: $chosen) @include(if: $known) {
      ... on Segment {
        id
        name
        lastCount
      }
    }
  }
`);
