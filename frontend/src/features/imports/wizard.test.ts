import { expect, test } from "vitest";
import {
  byReason,
  type Column,
  conflicts,
  corrected,
  countries,
  exampleOf,
  firstOptions,
  keyOf,
  mappingInput,
  type Options,
  optionsInput,
  optionsOf,
  type Question,
  type Reject,
  readingOf,
  readingText,
  recognized,
  remembered,
  stillToDo,
} from "./wizard";

const column = (name: string, field: string): Column => ({ name, field, samples: [] });
const numbers: Question = {
  about: "NUMBERS",
  text: "Say how.",
  example: "33612345601",
  readings: ["+49 3361 2345601", "+33 6 12 34 56 01"],
};
const dates: Question = {
  about: "DATES",
  column: "due",
  text: "Say which.",
  example: "03/04/2025",
  readings: ["2025-04-03", "2025-03-04"],
};
const consent: Question = { about: "CONSENT", column: "Subscribed", text: "Say what.", readings: [] };

test("a file is named after the program that wrote it, else after its kind", () => {
  expect(recognized({ fileName: "contacts.csv", source: "Google Contacts" })).toBe("Google Contacts export");
  expect(recognized({ fileName: "a.xlsx", source: "HubSpot", sheet: "People" })).toBe(
    "HubSpot export (Excel workbook, sheet “People”)",
  );
  expect(recognized({ fileName: "a.xlsx", sheet: "People" })).toBe("Excel workbook, sheet “People”");
  expect(recognized({ fileName: "a.vcf", source: "vCard" })).toBe("vCards");
  expect(recognized({ fileName: "A.CSV.gz" })).toBe("CSV file");
  expect(recognized({ fileName: "people" })).toBe("List of contacts");
});

test("phone numbers may stand in several columns, other fields in one", () => {
  expect(
    conflicts([column("Phone", "address"), column("Mobile", "address"), column("x", ""), column("y", "")]),
  ).toEqual({});
  const found = conflicts([column("Name", "name"), column("Full name", "name"), column("City", "attributes.city")]);
  expect(Object.keys(found)).toEqual(["Name", "Full name"]);
  expect(found.Name).toContain("Full name");
});

test("the mapping is sent whole once a column was changed, and not before", () => {
  const columns = [column("Phone", "address"), column("Plan", "attributes.plan")];
  expect(mappingInput(columns, {})).toEqual([]);
  expect(mappingInput(columns, { Plan: "" })).toEqual([
    { name: "Phone", field: "address" },
    { name: "Plan", field: "" },
  ]);
  expect(corrected(columns, { Plan: "name" })[1]?.field).toBe("name");
  expect(keyOf(" Loyalty points (2025)")).toBe("loyalty_points_2025");
});

test("evidence goes along only with consent that it proves", () => {
  const said = { ...firstOptions, consentText: " Offers on WhatsApp " };
  expect(optionsInput({ ...said, consent: "ALL" })).toMatchObject({
    consentSource: "ALL",
    consentText: "Offers on WhatsApp",
  });
  expect(optionsInput({ ...said, consent: "NONE" })).toMatchObject({ consentSource: "NONE", consentText: null });
  expect(optionsInput(firstOptions)).toMatchObject({ consentSource: "COLUMNS", consentText: null, numbers: null });
});

test("a version goes in place of its words, and another wording is none", () => {
  const said: Options = { ...firstOptions, consent: "ALL", consentText: "Offers on WhatsApp", consentTextId: "T1" };
  expect(optionsInput(said)).toMatchObject({ consentTextId: "T1", consentText: null });
  expect(optionsInput({ ...said, consent: "NONE" })).toMatchObject({ consentTextId: null, consentText: null });
  expect(stillToDo({ asked: [], leftOut: {}, options: said, columns: [], changed: false, usable: 1 })).toEqual([]);
});

test("people are asked to confirm only what is recorded, and the preview says how many", () => {
  const asks: Options = { ...firstOptions, consent: "ALL", consentText: "Offers", doubleOptIn: true };
  expect(optionsInput(asks)).toMatchObject({ doubleOptIn: true });
  expect(optionsInput({ ...asks, consent: "NONE" })).toMatchObject({ doubleOptIn: false });
  expect(optionsInput({ ...asks, consent: null })).toMatchObject({ doubleOptIn: false });
  expect(readingOf(asks, [])).not.toBe(readingOf({ ...asks, doubleOptIn: false }, []));
  expect(readingOf(asks, [])).not.toBe(readingOf({ ...asks, consent: "COLUMNS" }, []));
  expect(readingOf({ ...asks, consent: "NONE" }, [])).toBe(readingOf(firstOptions, []));
  expect(
    optionsOf({ mode: "UPSERT", topicIds: [], consentSource: "ALL", consentText: "Offers", doubleOptIn: true }),
  ).toEqual(asks);
});

test("an example of the file shows what each answer means", () => {
  expect([0, 1].map((i) => readingText(numbers, i))).toEqual([
    "33612345601 is +49 3361 2345601.",
    "33612345601 is +33 6 12 34 56 01.",
  ]);
  expect([0, 1].map((i) => readingText(dates, i))).toEqual([
    "03/04/2025 is April 3, 2025.",
    "03/04/2025 is March 4, 2025.",
  ]);
  expect(readingText(consent, 0)).toBe("");
});

test("a question that was answered stays, to be answered differently", () => {
  expect(remembered([], [numbers])).toEqual([numbers]);
  expect(remembered([numbers], [dates])).toEqual([numbers, dates]);
  const newer = { ...numbers, text: "Say it again." };
  expect(remembered([numbers], [newer])).toEqual([newer]);
});

test("nothing is imported while a question is open, unless its rows are left out", () => {
  const ready = { asked: [], leftOut: {}, options: firstOptions, columns: [], changed: false, usable: 3 };
  expect(stillToDo(ready)).toEqual([]);
  expect(stillToDo({ ...ready, asked: [numbers, dates] })).toHaveLength(2);
  expect(stillToDo({ ...ready, asked: [numbers, dates], leftOut: { NUMBERS: true, DATES: true } })).toEqual([]);
  expect(
    stillToDo({
      ...ready,
      asked: [numbers, dates],
      options: { ...firstOptions, numbers: "NATIONAL", dateOrder: "DAY_FIRST" },
    }),
  ).toEqual([]);
  expect(stillToDo({ ...ready, changed: true })).toEqual(["Update the preview to see what your changes do."]);
  expect(stillToDo({ ...ready, usable: 0 })).toEqual(["No row of this file can be imported yet."]);
  expect(stillToDo({ ...ready, columns: [column("a", "name"), column("b", "name")] })).toHaveLength(1);
});

test("consent of another kind needs an answer, and a yes the text that people agreed to", () => {
  const todo = (consentOptions: object, asked = [consent]) =>
    stillToDo({
      asked,
      leftOut: {},
      options: { ...firstOptions, ...consentOptions },
      columns: [],
      changed: false,
      usable: 1,
    });
  expect(todo({})).toEqual(["Say whether these people agreed to WhatsApp messages."]);
  expect(todo({ consent: "NONE" })).toEqual([]);
  expect(todo({ consent: "COLUMNS", consentText: "  " })).toEqual(["Say what these people agreed to."]);
  expect(todo({ consent: "COLUMNS", consentText: "Offers on WhatsApp" })).toEqual([]);
  expect(todo({ consent: "ALL" }, [])).toEqual(["Say what these people agreed to."]);
  expect(todo({ consent: "COLUMNS" }, [])).toEqual([]);
});

test("rejected rows are counted by reason, whatever their values", () => {
  let row = 0;
  const reject = (value: string, reason: string, field = "address"): Reject => {
    row += 1;
    return { row, line: row + 1, field, value, reason };
  };
  const reasons = byReason([
    reject("abc", '"abc" is not a phone number: want 7 to 15 digits with country code, such as +49 151 12345678'),
    reject("33612345601", '"33612345601" can be +4933612345601 or +33612345601: write it with + and the country code'),
    reject("de\\f", '"de\\"f" is not a phone number: want 7 to 15 digits with country code, such as +49 151 12345678'),
    reject("33612345602", '"33612345602" can be +4933612345602 or +33612345602: write it with + and the country code'),
    reject("x", '"x" is not a phone number: want 7 to 15 digits with country code, such as +49 151 12345678'),
    reject("maybe", "neither yes, no nor a consent status", "Opt-in"),
    reject("", "a quote is opened and never closed", "row"),
  ]);
  expect(reasons.map((r) => [r.rows, r.text])).toEqual([
    [3, "Not a phone number: want 7 to 15 digits with country code, such as +49 151 12345678."],
    [2, "Can be … or …: write it with + and the country code."],
    [1, "Opt-in: neither yes, no nor a consent status."],
    [1, "A quote is opened and never closed."],
  ]);
  expect(reasons[0]?.examples.map(exampleOf)).toEqual(["Line 2: abc", "Line 4: de\\f", "Line 6: x"]);
  expect(reasons[3]?.examples.map(exampleOf)).toEqual(["Line 8"]);
});

test("countries are named and sorted", () => {
  const all = countries();
  expect(all.find((c) => c.value === "DE")?.label).toBe("Germany (DE)");
  expect(all.length).toBeGreaterThan(230);
  expect(new Set(all.map((c) => c.label)).size).toBe(all.length);
});
