import {
  Badge,
  Box,
  Button,
  Container,
  Divider,
  Group,
  MantineProvider,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
  useMantineColorScheme,
} from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { Client, CombinedError, type Exchange, gql, makeResult, Provider, type TypedDocumentNode } from "urql";
import { filter, map, pipe } from "wonka";
import { Hints } from "../src/app/Hints";
import { Modals } from "../src/app/Modals";
import { type Session, SessionContext } from "../src/app/session";
import { contrast, theme } from "../src/app/theme";
import { AskToConfirm } from "../src/components/AskToConfirm";
import { ConsentEvidence } from "../src/components/ConsentEvidence";
import { DeliveryChart } from "../src/components/DeliveryChart";
import { Dialog, SideDialog } from "../src/components/Dialog";
import { DropdownMenu, DropdownPanel } from "../src/components/Dropdown";
import { Failed } from "../src/components/Failed";
import { useFirst } from "../src/components/First";
import { Awaited, Further } from "../src/components/Further";
import { IntervalBar } from "../src/components/IntervalBar";
import { LanguagePicker } from "../src/components/LanguagePicker";
import { More } from "../src/components/More";
import { NumberField } from "../src/components/NumberField";
import { Moment, OptInRequestText, WaitingBadge } from "../src/components/OptInRequest";
import { PageTabs } from "../src/components/PageTabs";
import { Initials, Person } from "../src/components/Person";
import { Phone } from "../src/components/Phone";
import { ProofButton } from "../src/components/ProofButton";
import { Questions } from "../src/components/Questions";
import { type Choices, SearchSelect } from "../src/components/SearchSelect";
import { TemplateMessage, TemplateMessageById } from "../src/components/TemplateMessage";
import { TestRecipients } from "../src/components/TestRecipients";
import { DeleteButton, Empty, LinkButton, LoadMore, Page, Rows, Stat, Status, Unsaved } from "../src/components/ui";
import { Medium, WhatsAppMessage } from "../src/components/WhatsAppMessage";
import { WhatsAppText } from "../src/components/WhatsAppText";
import { When } from "../src/components/When";
import type { OptInRequestStateFragment, TemplateContentPartsFragment } from "../src/gql/graphql";
import type { Step } from "../src/lib/bars";

/** The components that pages share, each in its states: in development alone, at /gallery/. */
export function Gallery() {
  const root = createRootRoute({ component: Sections });
  const router = createRouter({ routeTree: root, history: createMemoryHistory() });
  return (
    <MantineProvider theme={theme} cssVariablesResolver={contrast} defaultColorScheme="auto">
      <Provider value={answering({ expiresAfterHours: 72 })}>
        <SessionContext value={session}>
          <RouterProvider router={router as never} />
          <Modals />
          <Hints />
        </SessionContext>
      </Provider>
    </MantineProvider>
  );
}

const session: Session = {
  __typename: "Query",
  viewer: { id: "1", name: "Ada Admin", email: "ada@shop.example", role: "ADMIN" },
  account: null,
  setup: {
    __typename: "Setup",
    needed: false,
    tokenNeeded: false,
    live: false,
    emails: true,
    provider: null,
    version: "1.0",
  },
  reload: () => {},
};

/** A client whose questions are answered here. */
function answering(doubleOptIn: { expiresAfterHours: number } | null): Client {
  const answers: Exchange = () => (operations) =>
    pipe(
      operations,
      filter((o) => o.kind === "query"),
      map((o) => {
        const search = String(o.variables?.search ?? "");
        if ("known" in (o.variables ?? {}))
          return makeResult(o, { data: { found: { nodes: segments.filter((s) => s.name.includes(search)) } } });
        const data = o.variables?.id
          ? { node: { __typename: "Template", id: o.variables.id, body: welcome, content: withButtons } }
          : { settings: { doubleOptIn }, teamContacts: doubleOptIn ? team : [] };
        return makeResult(o, { data });
      }),
    );
  return new Client({ url: "/graphql", exchanges: [answers], preferGetMethod: false });
}

const welcome = "Hi *Ada*, our _autumn sale_ has started.\n\n> 15 % off\n- until Sunday";
const long = "Hildegard-Wilhelmina von Grünewald-Hohenfels zu Königswinter";

type Segment = { id: string; name: string };
const segments: Segment[] = ["Everybody who agreed", "German cities", "VIP"].map((name, i) => ({ id: `${i}`, name }));
const SegmentsDocument: TypedDocumentNode<
  Choices<Segment>,
  { search: string | null; chosen: string; known: boolean }
> = gql("query Segments($search: String) { found: segments(search: $search) { nodes { id name } } }");

const nothing: TemplateContentPartsFragment = {
  __typename: "TemplateContent",
  header: null,
  footer: null,
  buttons: [],
  list: null,
  cards: [],
  catalog: null,
  authentication: null,
  flow: null,
};
const button = (type: "URL" | "QUICK_REPLY" | "PHONE" | "COPY_CODE", title: string) => ({
  __typename: "TemplateButton" as const,
  type,
  title,
  url: type === "URL" ? "https://shop.example" : null,
  phone: null,
  code: null,
  id: null,
  track: false,
});
const withButtons: TemplateContentPartsFragment = {
  ...nothing,
  header: { __typename: "TemplateHeader", text: "Autumn sale", media: null },
  footer: "Reply STOP to unsubscribe",
  buttons: [button("URL", "Shop the offers"), button("QUICK_REPLY", "Not now")],
};
const withCards: TemplateContentPartsFragment = {
  ...nothing,
  cards: ["Coats", "Boots"].map((title) => ({
    __typename: "TemplateCard",
    title,
    body: "From 49 €",
    media: { __typename: "TemplateMedia", kind: "IMAGE", url: "" },
    buttons: [button("URL", "See all")],
  })),
};

const team = [
  { id: "1", name: "Ada Admin", displayAddress: "+49 151 12345601", consentStatus: "OPTED_IN" },
  { id: "2", name: "Ben Builder", displayAddress: "+49 151 12345602", consentStatus: "OPTED_OUT" },
].map((contact) => ({ __typename: "TeamContact", contact: { __typename: "Contact", ...contact } }));

const at = "2026-11-26T09:00:00Z";
const steps: Step[] = Array.from({ length: 24 }, (_, i) => ({
  at: new Date(Date.parse(at) + i * 3_600_000).toISOString(),
  seconds: 3600,
  accepted: 40 * (i % 7),
  delivered: 38 * (i % 7),
  read: 20 * (i % 7),
  clicked: i > 12 ? 4 * (i % 7) : 0,
  failed: i % 9 === 0 ? 3 : 0,
}));

const request = (
  status: OptInRequestStateFragment["status"],
  message: Partial<NonNullable<OptInRequestStateFragment["message"]>> = {},
): OptInRequestStateFragment => ({
  __typename: "OptInRequest",
  id: "1",
  status,
  askedAt: status === "WAITING" ? null : at,
  expiresAt: "2026-11-29T09:00:00Z",
  endedAt: null,
  message: { __typename: "Message", id: "1", status: "DELIVERED", skipReason: null, errorMessage: null, ...message },
});

/** A part of the gallery: the file in src/components that it shows. */
function Section(props: { of: string; children: ReactNode }) {
  return (
    <section aria-label={props.of}>
      <Divider mb="md" />
      <Title order={2} size="h4" mb="md">
        {props.of}
      </Title>
      <Stack>{props.children}</Stack>
    </section>
  );
}

/** One of its states. */
function State(props: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {props.name}
      </Text>
      {props.children}
    </div>
  );
}

function Sections() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [asked, setAsked] = useState(false);
  const [open, setOpen] = useState<"dialog" | "side" | null>(null);
  const [shown, more] = useFirst(2, ["One", "Two", "Three", "Four"], "Show all 4");
  return (
    <Container component="main" size="md" py="xl">
      <Stack gap="xl">
        <Group justify="space-between">
          <Title order={1}>Components</Title>
          <Button variant="default" onClick={() => setColorScheme(colorScheme === "dark" ? "light" : "dark")}>
            Light or dark
          </Button>
        </Group>
        <Section of="ui">
          <State name="Page">
            <Page title="Contacts" description="Everybody you know" actions={<Button>Add a contact</Button>}>
              <Stat label="Messages sent" value="12,345" hint="12,300 handed to WhatsApp" />
            </Page>
          </State>
          <State name="Status: every colour, and a word of its own">
            <Group gap="xs">
              {["COMPLETED", "RECEIVED", "SENDING", "PAUSED", "PENDING", "FAILED", "SOMETHING_ELSE"].map((s) => (
                <Status key={s} value={s} />
              ))}
              <Status value="WARN" label="Queue: 1,204 jobs wait" />
            </Group>
          </State>
          <State name="LinkButton, DeleteButton">
            <Group>
              <LinkButton to="/">To the dashboard</LinkButton>
              <DeleteButton name="Autumn sale" onDelete={() => {}}>
                Its messages stay.
              </DeleteButton>
            </Group>
          </State>
          <State name="Empty, framed and bare">
            <Empty icon={<IconSend />} title="No campaigns yet" action={<Button>New campaign</Button>}>
              A campaign writes to a segment, in the words of a template.
            </Empty>
            <Empty icon={<IconSend />} title="No campaigns yet" bare>
              A campaign writes to a segment, in the words of a template.
            </Empty>
          </State>
          <State name="Rows, while a list is read">
            <Rows n={3} />
          </State>
          <State name="LoadMore, Unsaved">
            <LoadMore more loading={false} onMore={() => {}} />
            <Unsaved discard={() => {}} />
          </State>
        </Section>
        <Section of="PageTabs">
          <PageTabs
            label="Parts"
            pages={[
              { to: "/", label: "First" },
              { to: "/second", label: "Second" },
            ]}
          />
        </Section>
        <Section of="Person">
          <State name="a name, a long one, none">
            <Stack maw={280}>
              <Person name="Ada Lovelace" below="+49 151 23456789">
                Ada Lovelace
              </Person>
              <Person name={long} below={long}>
                <Text truncate>{long}</Text>
              </Person>
              <Group>
                <Initials name="+49 151 23456789" />
                <Initials name="山田 太郎" size={48} />
              </Group>
            </Stack>
          </State>
        </Section>
        <Section of="When">
          <State name="just now, long ago, never">
            <Group>
              <When at={new Date().toISOString()} />
              <When at="2020-01-01T10:00:00Z" />
              <When at={null} />
            </Group>
          </State>
        </Section>
        <Section of="First">
          <State name="more than are shown at first">
            {shown.map((s) => (
              <Text key={s}>{s}</Text>
            ))}
            {more}
          </State>
        </Section>
        <Section of="Further">
          <State name="the last page, one before it, one on its way, one that did not come">
            <Table>
              <Further page={{ hasNextPage: false }} columns={2} next={() => null} />
              <Further page={{ hasNextPage: true, endCursor: "1" }} columns={2} next={() => null} />
              <Awaited columns={2} retry={() => {}} />
              <Awaited columns={2} error={new CombinedError({ networkError: new Error("away") })} retry={() => {}} />
            </Table>
          </State>
        </Section>
        <Section of="More">
          <State name="one more page, and one that did not come">
            <More more loading={false} onMore={() => {}} retry={() => {}} />
            <More
              loading={false}
              onMore={() => {}}
              error={new CombinedError({ networkError: new Error("away") })}
              retry={() => {}}
            />
          </State>
        </Section>
        <Section of="SearchSelect">
          <State name="nothing chosen yet, and one that is">
            <Group>
              <SearchSelect document={SegmentsDocument} label="Segment" value={null} onChange={() => {}} />
              <SearchSelect document={SegmentsDocument} label="Segment" value="1" onChange={() => {}} />
            </Group>
          </State>
        </Section>
        <Section of="Failed">
          <Failed error={new CombinedError({ networkError: new Error("away") })} retry={() => {}} />
        </Section>
        <Section of="DeliveryChart">
          <State name="a day">
            <DeliveryChart title="Messages" steps={steps} />
          </State>
          <State name="too short for a chart">
            <DeliveryChart title="Messages" steps={steps.slice(1, 3)} />
          </State>
          <State name="nothing">
            <DeliveryChart title="Messages" steps={[]} />
          </State>
        </Section>
        <Section of="IntervalBar">
          <State name="surely more, surely less, and not shown">
            <IntervalBar difference={0.031} low={0.012} high={0.05} label="B against A" />
            <IntervalBar difference={-0.031} low={-0.05} high={-0.012} label="B against A" />
            <IntervalBar difference={0.01} low={-0.012} high={0.032} label="B against A" />
          </State>
          <State name="nothing known">
            <IntervalBar difference={0} low={-1} high={1} label="B against A" />
          </State>
        </Section>
        <Section of="Questions">
          <Questions
            of={[
              { check: "Consent", passed: true, detail: "Opted in by the web form", rule: "consent_status = opted_in" },
              { check: "Quiet hours", passed: false, detail: "It is 23:10 there", until: "tomorrow, 08:00" },
              { check: "Frequency", passed: null, detail: "Not asked, since one before it said no" },
            ]}
          />
        </Section>
        <Section of="OptInRequest">
          <State name="each that can be">
            {(["WAITING", "ASKED", "DECLINED", "EXPIRED"] as const).map((s) => (
              <Group key={s} gap="xs">
                <Badge variant="default">{s}</Badge>
                <WaitingBadge of={request(s)} />
                <OptInRequestText of={request(s)} optedIn={false} />
              </Group>
            ))}
          </State>
          <State name="the question did not arrive">
            <OptInRequestText of={request("ASKED", { status: "UNDELIVERED", errorMessage: "" })} optedIn={false} />
            <Moment at={at} />
          </State>
        </Section>
        <Section of="AskToConfirm">
          <State name="off and on">
            <AskToConfirm checked={asked} onChange={setAsked} />
          </State>
          <State name="everybody in a file, and a refusal">
            <AskToConfirm checked onChange={() => {}} many />
            <AskToConfirm checked={false} onChange={() => {}} refusal="Somebody without a number cannot be asked." />
          </State>
          <State name="double opt-in is off">
            <Provider value={answering(null)}>
              <AskToConfirm checked={false} onChange={() => {}} />
            </Provider>
          </State>
        </Section>
        <Section of="ConsentEvidence">
          <ConsentEvidence
            none="No evidence"
            event={{ __typename: "ConsentEvent", evidence: { file: "customers.csv", row: 12 }, text: null }}
          />
          <ConsentEvidence
            none="No evidence"
            event={{
              __typename: "ConsentEvent",
              evidence: { ip: "203.0.113.7" },
              text: {
                __typename: "ConsentText",
                id: "1",
                version: 2,
                locale: "en",
                content: "I want offers by WhatsApp",
              },
            }}
          />
          <ConsentEvidence none="No evidence" event={{ __typename: "ConsentEvent", evidence: {}, text: null }} />
        </Section>
        <Section of="Dialog">
          <State name="over the page, and at its side">
            <Group>
              <Button variant="default" onClick={() => setOpen("dialog")}>
                Over the page
              </Button>
              <Button variant="default" onClick={() => setOpen("side")}>
                At its side
              </Button>
            </Group>
            <Dialog opened={open === "dialog"} onClose={() => setOpen(null)} title="Over the page">
              <Text size="sm">What is asked here has to be answered before the page goes on.</Text>
            </Dialog>
            <SideDialog opened={open === "side"} onClose={() => setOpen(null)} title="At its side" position="right">
              <Text size="sm">The page stays where it is.</Text>
            </SideDialog>
          </State>
        </Section>
        <Section of="Dropdown">
          <State name="a menu, a panel">
            <Group>
              <DropdownMenu target={<Button variant="default">A menu</Button>}>
                {(Menu) => (
                  <>
                    <Menu.Label>Entries</Menu.Label>
                    <Menu.Item>One</Menu.Item>
                    <Menu.Item color="red">Two</Menu.Item>
                  </>
                )}
              </DropdownMenu>
              <DropdownPanel target={<Button variant="default">A panel</Button>}>
                <TextInput label="Has the focus" />
              </DropdownPanel>
            </Group>
          </State>
        </Section>
        <Section of="NumberField">
          <State name="with a number, empty, with a mistake">
            <NumberField label="Messages a second" description="1 to 1,000" value={80} />
            <NumberField label="Nothing yet" placeholder="None" />
            <NumberField label="Too many" value={5000} error="At most 1,000." />
          </State>
        </Section>
        <Section of="ProofButton">
          <Group>
            <ProofButton of="contacts" id="1" />
            <ProofButton of="messages" id="1" />
          </Group>
        </Section>
        <Section of="TestRecipients">
          <State name="the team's numbers, one of whom has not opted in">
            <TestRecipients send={async () => ""} onDone={() => {}} />
          </State>
          <State name="no team numbers yet">
            <Provider value={answering(null)}>
              <TestRecipients send={async () => "They have not opted in."} onDone={() => {}} />
            </Provider>
          </State>
        </Section>
        <Section of="LanguagePicker">
          <LanguagePicker onChoose={() => {}} />
          <LanguagePicker label="Language" description="Of the pages" onChoose={() => {}} />
        </Section>
        <Section of="WhatsAppText">
          <div className="paper-phone">
            <WhatsAppText>{welcome}</WhatsAppText>
          </div>
        </Section>
        <Section of="WhatsAppMessage">
          <Group align="flex-start" className="paper-phone">
            <WhatsAppMessage>
              <WhatsAppText>{welcome}</WhatsAppText>
            </WhatsAppMessage>
            <WhatsAppMessage content={withButtons}>
              <WhatsAppText>{welcome}</WhatsAppText>
            </WhatsAppMessage>
            <WhatsAppMessage content={withCards}>
              <WhatsAppText>Two of many</WhatsAppText>
            </WhatsAppMessage>
            {(["IMAGE", "VIDEO", "DOCUMENT"] as const).map((kind) => (
              <Box key={kind} w={220}>
                <Medium kind={kind} url="" />
              </Box>
            ))}
          </Group>
        </Section>
        <Section of="TemplateMessage">
          <Group align="flex-start" className="paper-phone">
            <TemplateMessage template={{ __typename: "Template", body: welcome, content: withButtons }} />
            <TemplateMessageById id="1" />
          </Group>
        </Section>
        <Section of="Phone">
          <Phone from="Blue Shop">
            <WhatsAppMessage content={withButtons}>
              <WhatsAppText>{welcome}</WhatsAppText>
            </WhatsAppMessage>
          </Phone>
        </Section>
      </Stack>
    </Container>
  );
}
