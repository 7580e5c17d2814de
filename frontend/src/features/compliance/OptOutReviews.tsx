import { t } from "@lingui/core/macro";
import { Blockquote, Button, Card, Group, Stack, Text } from "@mantine/core";
import { IconMessageQuestion } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useMutation } from "urql";
import { useMay } from "../../app/session";
import { Failed } from "../../components/Failed";
import { More } from "../../components/More";
import { nameOf } from "../../components/Person";
import { Empty, Rows } from "../../components/ui";
import { graphql } from "../../gql";
import type { OptOutReviewsQuery } from "../../gql/graphql";
import { settled } from "../../lib/errors";
import { moment } from "../../lib/format";
import { useLasting } from "../../lib/lasting";
import { modals } from "../../lib/modals";
import { usePages } from "../../lib/pages";

const ReviewsDocument = graphql(`
  query OptOutReviews($after: String) {
    optOutReviews(first: 50, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        id
        createdAt
        contact {
          id
          name
          displayAddress
        }
        message {
          id
          body
        }
      }
    }
  }
`);
export const DecideDocument = graphql(`
  mutation OptOutReviewDecide($input: OptOutReviewDecideInput!) {
    optOutReviewDecide(input: $input) {
      review {
        id
        decidedAt
        optedOut
        contact {
          id
          consentStatus
          optOutReview {
            id
          }
        }
      }
      userErrors {
        field
        message
      }
    }
  }
`);

type Row = OptOutReviewsQuery["optOutReviews"]["nodes"][number];

/** The two answers to the question whether a message asks for an opt-out. */
export function Decide(props: { id: string; who: string; done: () => void }) {
  const [{ fetching }, decide] = useMutation(DecideDocument);
  const answer = async (optOut: boolean) => {
    if (settled(await decide({ input: { id: props.id, optOut } }))) props.done();
  };
  return (
    <Group gap="xs">
      <Button
        size="xs"
        color="red"
        loading={fetching}
        onClick={() =>
          modals.openConfirmModal({
            title: t`Opt out ${props.who}?`,
            children: (
              <Text size="sm">{t`They get no more messages until they write START themselves. Their message is kept as the evidence.`}</Text>
            ),
            labels: { confirm: t`Opt out`, cancel: t`Cancel` },
            confirmProps: { color: "red" },
            onConfirm: () => answer(true),
          })
        }
      >{t`Opt out`}</Button>
      <Button size="xs" variant="default" disabled={fetching} onClick={() => answer(false)}>{t`Not an opt-out`}</Button>
    </Group>
  );
}

/** Messages that may ask for an opt-out; until somebody has decided, campaigns leave these people out. */
export function OptOutReviews() {
  const may = useMay("MARKETER");
  const pages = usePages<Row>();
  const [{ data, error, fetching }, load] = useLasting({
    query: ReviewsDocument,
    variables: { after: pages.after },
    requestPolicy: "cache-and-network",
  });
  const rows = pages.with(data?.optOutReviews.nodes);
  if (error && rows.length === 0) return <Failed error={error} retry={() => load({ requestPolicy: "network-only" })} />;
  if (!data && rows.length === 0) return <Rows />;
  if (rows.length === 0)
    return (
      <Empty
        icon={<IconMessageQuestion />}
        title={t`Nothing to review`}
      >{t`Short requests such as “STOP” or “no more messages” act by themselves. Longer ones that may ask for it appear here, and campaigns leave these people out until somebody has decided.`}</Empty>
    );
  return (
    <Stack>
      <Text size="sm" c="dimmed">{t`Campaigns leave these people out until somebody has decided.`}</Text>
      {rows.map((r) => (
        <Card key={r.id} component="article" aria-label={t`Message from ${nameOf(r.contact)}`}>
          <Stack gap="sm">
            <Group justify="space-between" gap="xs">
              <Link to="/contacts/$id" params={{ id: r.contact.id }} className="plain">
                {nameOf(r.contact)}
              </Link>
              <Text size="sm" c="dimmed">
                {moment(r.createdAt)}
              </Text>
            </Group>
            <Blockquote p="sm" m={0} style={{ overflowWrap: "anywhere" }}>
              {r.message?.body ? <div dir="auto">{r.message.body}</div> : t`The text was erased.`}
            </Blockquote>
            {may && <Decide id={r.id} who={nameOf(r.contact)} done={pages.top} />}
          </Stack>
        </Card>
      ))}
      <More
        error={rows.length > 0 ? error : undefined}
        retry={() => load({ requestPolicy: "network-only" })}
        more={data?.optOutReviews.pageInfo.hasNextPage}
        loading={fetching}
        onMore={() => pages.next(data?.optOutReviews.pageInfo.endCursor, rows)}
      />
    </Stack>
  );
}
