import type { CombinedError } from "urql";
import { Failed } from "./Failed";
import { LoadMore } from "./ui";

/** What comes behind the rows of a list that was read so far: a button for more, or why the next page did not come. */
export function More(props: {
  more?: boolean;
  loading: boolean;
  onMore: () => void;
  error?: CombinedError;
  retry: () => void;
}) {
  if (props.error) return <Failed error={props.error} retry={props.retry} />;
  return <LoadMore more={props.more} loading={props.loading} onMore={props.onMore} />;
}
