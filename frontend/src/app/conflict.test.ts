import { Client, type Exchange, type Operation } from "urql";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { filter, map, pipe } from "wonka";
import { SegmentUpdateDocument } from "../gql/graphql";
import { conflictExchange } from "./conflict";

const dialog = vi.hoisted(() => ({ choose: (_message: string): string | Promise<string> => "edit" }));
vi.mock("./ConflictDialog", () => ({ askWhatWins: async (message: string) => dialog.choose(message) }));

const reload = vi.fn();
beforeEach(() => vi.stubGlobal("location", { reload }));
afterEach(() => {
  vi.unstubAllGlobals();
  reload.mockClear();
  sessionStorage.clear();
});

const outdated = { field: ["expectedVersion"], message: "Ada changed this just now" };

/** Saves a segment that somebody else has changed, and tells what was sent and answered. */
async function save() {
  const sent: Operation[] = [];
  const server: Exchange = () => (operations) =>
    pipe(
      operations,
      filter((o) => o.kind === "mutation"),
      map((operation) => {
        sent.push(operation);
        const userErrors = "expectedVersion" in (operation.variables?.input ?? {}) ? [outdated] : [];
        const data = { segmentUpdate: { segment: null, userErrors } };
        return { operation, data, stale: false, hasNext: false };
      }),
    );
  const client = new Client({ url: "/", preferGetMethod: false, exchanges: [conflictExchange, server] });
  const input = { id: "U1", name: "Mine", expectedVersion: 4 };
  const result = await client.mutation(SegmentUpdateDocument, { input }).toPromise();
  return { inputs: sent.map((o) => o.variables?.input), result };
}

test("who goes on editing gets the refusal", async () => {
  let asked = "";
  dialog.choose = (message) => {
    asked = message;
    return "edit";
  };
  const { inputs, result } = await save();
  expect(asked).toBe(outdated.message);
  expect(inputs).toHaveLength(1);
  expect(result.data?.segmentUpdate.userErrors).toEqual([outdated]);
  expect(result.extensions?.choice).toBe("edit");
});

test("who saves over it sends the same without the version", async () => {
  dialog.choose = () => "overwrite";
  const { inputs, result } = await save();
  expect(inputs[1]).toEqual({ id: "U1", name: "Mine" });
  expect(result.data?.segmentUpdate.userErrors).toEqual([]);
});

test("who discards theirs is answered before the page is loaded anew, and keeps what they wrote elsewhere", async () => {
  sessionStorage.setItem("kept:segment:U1", '"mine"');
  sessionStorage.setItem("kept:segment:U2", '"another"');
  dialog.choose = () => "discard";
  const { result } = await save();
  expect(result.extensions?.choice).toBe("discard");
  expect(reload).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(reload).toHaveBeenCalledOnce());
  expect(Object.keys(sessionStorage)).toEqual(["kept:segment:U2"]);
});

test("a question that cannot be asked lets the refusal go on", async () => {
  dialog.choose = () => Promise.reject(new Error("the dialog cannot be loaded"));
  const { result } = await save();
  expect(result.data?.segmentUpdate.userErrors).toEqual([outdated]);
});
