import { graphql } from "../../gql";

/** Makes a segment: by its page, of the people of a report, or of the contacts of an import. */
export const SegmentCreateDocument = graphql(`
  mutation SegmentCreate($input: SegmentCreateInput!) {
    segmentCreate(input: $input) {
      segment {
        id
        name
      }
      userErrors {
        field
        message
      }
    }
  }
`);
