import { useQuery } from "urql";
import { graphql } from "../../gql";

const TopicNamesDocument = graphql(`
  query TopicNames {
    topics {
      id
      name
    }
  }
`);

/** All topics as choices; empty until they are here. */
export function useTopics(): { value: string; label: string }[] {
  const [{ data }] = useQuery({ query: TopicNamesDocument });
  return data?.topics.map((t) => ({ value: t.id, label: t.name })) ?? [];
}
