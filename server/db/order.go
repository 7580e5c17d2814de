package db

// The order of locks.
//
// Two transactions that take the same locks in different orders wait for each
// other, and Postgres ends one of them. So every transaction takes its locks in
// this order, and within a kind in order of id; what it does not need it skips,
// and it never goes back:
//
//  1. the thing that the work is about: campaign, bulk action, import, topic,
//     segment, template, sender, label, canned reply
//  2. stored webhook events that are being applied; inbound ones under an
//     advisory lock of their contact, taken first
//  3. contacts, with those that were merged into them (contact.LockFamily) or whom
//     they were merged into (contact.LockPeople)
//  4. what belongs to a contact: addresses, consent ledger, requests to
//     confirm one, suppression, subscriptions. Their rows are only touched under the contact's lock, or one at
//     a time; suppressions of several addresses in one statement, in order of hash. Addresses that nobody has yet are all written together, in order of
//     key, by contact.AddAddresses, before the rows of contacts that they lead to;
//     who finds that another one has them meanwhile begins anew (contact.ErrMoved),
//     and so does who finds that addresses are of several contacts: joining two takes
//     messages, and has a transaction of its own (merge.Join)
//  5. conversations, then their labels in order of conversation and label
//  6. messages
//  7. counters: message_counts and message_series, which triggers lock in the
//     order of their keys. A trigger runs at the end of its statement, so that a
//     second statement that changes what is counted may go back among the keys:
//     a transaction changes it in one statement, its last. Clicks come after all else in
//     message_series: they stand there by when they happened
//  8. link_counts, in order of link
//  9. the row of portfolio, then portfolio_people: whoever has it takes nothing else
//
// New rows (audit entries, events, jobs, contact_counts) lock nothing that others
// wait for and may be written at any point. Paces (rate_limits) are taken outside
// transactions, by key.
//
// A SELECT … FOR UPDATE with ORDER BY locks in that order; an UPDATE or DELETE of
// several rows does not, and takes its rows from such a SELECT.
//
// Contacts are locked FOR NO KEY UPDATE: rows that point to them (merged contacts,
// consents, topics) take a share of their keys whenever Postgres checks a foreign
// key, at moments and in an order that no statement of ours decides.
//
// TestWritersNeverDeadlock in server/app runs all writers against each other.
