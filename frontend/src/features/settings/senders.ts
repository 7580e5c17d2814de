import { graphql } from "../../gql";

/** Adds a sender: by its number among the settings, or one that Twilio's account has on the way to going live. */
export const SenderCreateDocument = graphql(`
  mutation SenderCreate($input: SenderCreateInput!) {
    senderCreate(input: $input) {
      sender {
        id
      }
      userErrors {
        field
        message
      }
    }
  }
`);
