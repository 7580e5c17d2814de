import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { signedIn } from "./look";

// After all other tests: what they wrote, sent and uploaded stands in no log, neither the
// server's, which logs as much as it can here, nor its private Postgres'.
test.use({ storageState: signedIn });

type Page<T> = { nodes: T[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

test("no log holds a number, a name, an address or a text of people", async ({ request }) => {
  const ask = async <T>(list: string, fields: string): Promise<T[]> => {
    const all: T[] = [];
    for (let after: string | null = null; ; ) {
      const query: string = `query Everything($after: String) { ${list}(first: 200, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`;
      const answer = await request.post("/graphql", { data: { query, variables: { after } } });
      const { data, errors } = (await answer.json()) as { data?: Record<string, Page<T>>; errors?: unknown };
      expect(errors, list).toBeUndefined();
      const page = data?.[list];
      all.push(...(page?.nodes ?? []));
      after = page?.pageInfo.endCursor ?? null;
      if (!page?.pageInfo.hasNextPage || all.length >= 4000) return all;
    }
  };
  const contacts = await ask<{ name: string; address: string }>("contacts", "name address");
  const messages = await ask<{ body: string }>("messages", "body");
  const answer = await request.post("/graphql", { data: { query: "{ operators { name email } }" } });
  const operators = ((await answer.json()) as { data: { operators: { name: string; email: string | null }[] } }).data
    .operators;
  expect(contacts.length, "the story left people behind").toBeGreaterThan(10);
  expect(messages.length).toBeGreaterThan(10);

  // First names alone are words of other sentences too ("Grant"); numbers are looked for
  // without their plus, as they stand in parameters and file names.
  const hidden = new Set<string>();
  for (const c of contacts) {
    hidden.add(c.address.replace(/^\+/, ""));
    if (c.name.includes(" ")) hidden.add(c.name);
  }
  for (const m of messages) if (m.body.trim().length >= 12) hidden.add(m.body.trim().slice(0, 60));
  for (const o of operators) {
    if (o.email) hidden.add(o.email);
    if (o.name.includes(" ")) hidden.add(o.name);
  }
  for (const word of ["a long enough password", "not the password", "ada@shop.example"]) hidden.add(word);
  for (const [file, line] of [
    ["server.log", "migrated up"],
    ["postgres.log", "ready to accept connections"],
  ] as const) {
    const log = readFileSync(join(process.env.E2E_DATA_DIR ?? "", file), "utf8");
    expect(log, `${file} is the one that is written`).toContain(line);
    const found = log.split("\n").filter((line) => [...hidden].some((text) => line.includes(text)));
    expect(found.slice(0, 5), file).toEqual([]);
  }
});
