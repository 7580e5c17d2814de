import { t } from "@lingui/core/macro";
import type { PriceCategory } from "../../gql/graphql";
import { words } from "../../lib/format";

const names: Partial<Record<PriceCategory, string>> = {
  AUTHENTICATION_INTERNATIONAL: t`Authentication, international`,
  SERVICE: t`Replies and other texts`,
  TWILIO_MESSAGE: t`Sent, not delivered`,
  TWILIO_FAILED: t`Failed`,
  INBOUND: t`Received`,
};

/** What messages of a category are called where charges are told. */
export const categoryText = (c: PriceCategory) => names[c] ?? words(c);

/** What a fee or price of the card is called. */
export const rateText = (c: PriceCategory) =>
  c === "TWILIO_MESSAGE"
    ? t`Twilio’s fee, a message in or out`
    : c === "TWILIO_FAILED"
      ? t`Twilio’s fee, a failed message`
      : categoryText(c);
