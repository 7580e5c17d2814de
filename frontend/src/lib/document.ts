import { gql } from "urql";

/** A document of its text, under the name by which the server knows it. */
export const read = (hash: string, text: string) => Object.assign(gql(text), { __meta__: { hash } });
