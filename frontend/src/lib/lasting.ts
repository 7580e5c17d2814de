import { useRef } from "react";
import { type AnyVariables, type UseQueryArgs, type UseQueryResponse, useQuery } from "urql";

/**
 * useQuery for what is asked again by itself, such as a list that looks for news: what was answered stays when asking
 * again fails, be it without an answer or with one that has no data, and with it the pages of a list that were opened.
 * There is an error only where nothing is known for the variables.
 */
export function useLasting<Data, Variables extends AnyVariables>(
  args: UseQueryArgs<Variables, Data>,
): UseQueryResponse<Data, Variables> {
  const [result, load] = useQuery<Data, Variables>(args);
  const asked = JSON.stringify(args.variables ?? {});
  const last = useRef<{ asked: string; data: Data }>(undefined);
  // While other variables are asked for, the answer is still that to those before.
  const own = JSON.stringify(result.operation?.variables ?? {}) === asked;
  if (result.data && !result.error && own) last.current = { asked, data: result.data };
  if (!result.error) return [result, load];
  if (last.current?.asked === asked) return [{ ...result, data: last.current.data, error: undefined }, load];
  return [{ ...result, data: own ? result.data : undefined }, load]; // not what was answered to others
}
