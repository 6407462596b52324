"use strict";
// Disputes: evidence, decisions, search by page.

const { after, before, test } = require("node:test");
const assert = require("node:assert/strict");
const { createReadStream, mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { braintree, codes, did, found, gateway, staff, unique, vaulted } = require("./sandbox");

const bt = gateway();
const look = async (id) => (await bt.dispute.find(id)).dispute;
const { Chargeback } = braintree.Test.CreditCardNumbers.Dispute;
let folder;

before(() => (folder = mkdtempSync(join(tmpdir(), "evidence-"))));
after(() => rmSync(folder, { recursive: true }));

function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return createReadStream(path);
}

/** A settled sale whose bank takes the money back at once, by the gateway's testing card. */
async function disputed(amount = "25.00") {
  const { transaction } = await bt.transaction.sale({
    amount,
    orderId: unique("o"),
    creditCard: { number: Chargeback, expirationDate: "12/2030" },
    options: { submitForSettlement: true },
  });
  return { transaction, dispute: transaction.disputes[0] };
}

test("the testing card settles and is disputed at once", async () => {
  const { transaction, dispute } = await disputed();
  assert.deepEqual([transaction.status, dispute.status, dispute.kind], ["settled", "open", "chargeback"]);
  did("transaction.sale", "is settled and disputed at once with the testing card");
  const seen = await look(dispute.id);
  assert.deepEqual([seen.amountDisputed, seen.amountWon, seen.reason], ["25.00", "0.00", "fraud"]);
  assert.equal(seen.transaction.id, transaction.id);
  assert.deepEqual(seen.statusHistory.map((one) => one.status), ["open"]);
  did("dispute.find", "shows amounts, reason and its transaction");
  await assert.rejects(bt.dispute.find("nothere"), { name: "notFoundError" });
  did("dispute.find", "is not found by an unknown id");
  assert.equal((await disputed("13.10")).dispute.reasonCode, "1310");
  did("transaction.sale", "has the reason code of a testing amount");
});

test("text evidence is added, listed and removed, then decides", async () => {
  const { dispute } = await disputed();
  assert.deepEqual(codes(await bt.dispute.finalize(dispute.id), "dispute", "dispute"), ["95726"]);
  did("dispute.finalize", "is refused without evidence");
  const carrier = { content: "UPS", category: "CARRIER_NAME", sequenceNumber: 1 };
  const { evidence } = await bt.dispute.addTextEvidence(dispute.id, carrier);
  assert.deepEqual([evidence.comment, evidence.category, evidence.sequenceNumber], ["UPS", "CARRIER_NAME", "1"]);
  did("dispute.addTextEvidence", "keeps category and sequence number");
  const odd = await bt.dispute.addTextEvidence(dispute.id, { content: "UPS", category: "NONSENSE" });
  assert.deepEqual(codes(odd, "dispute", "category"), ["95706"]);
  did("dispute.addTextEvidence", "refuses an unknown category");
  const file = await bt.dispute.addTextEvidence(dispute.id, { content: "UPS", category: "PROOF_OF_DELIVERY" });
  assert.deepEqual(codes(file, "dispute", "category"), ["95712"]);
  did("dispute.addTextEvidence", "refuses a category of files");
  await bt.dispute.removeEvidence(dispute.id, evidence.id);
  assert.deepEqual((await look(dispute.id)).evidence, []);
  did("dispute.removeEvidence", "takes it away");
  await assert.rejects(bt.dispute.removeEvidence(dispute.id, evidence.id), { name: "notFoundError" });
  did("dispute.removeEvidence", "is not found a second time");
  const convincing = await bt.dispute.addTextEvidence(dispute.id, "compelling_evidence");
  assert.equal((await bt.dispute.finalize(dispute.id)).success, true);
  const won = await look(dispute.id);
  assert.deepEqual([won.status, won.amountWon], ["won", "25.00"]);
  assert.deepEqual(won.statusHistory.map((one) => one.status), ["open", "disputed", "won"]);
  did("dispute.finalize", "wins with compelling evidence");
  assert.deepEqual(codes(await bt.dispute.addTextEvidence(dispute.id, "late"), "dispute", "status"), ["95701"]);
  did("dispute.addTextEvidence", "is refused when the dispute is no longer open");
  const kept = await bt.dispute.removeEvidence(dispute.id, convincing.evidence.id);
  assert.deepEqual(codes(kept, "dispute", "status"), ["95702"]);
  did("dispute.removeEvidence", "is refused when the dispute is no longer open");
});

test("losing evidence loses, and a decision can come by hand", async () => {
  const { dispute } = await disputed();
  await bt.dispute.addTextEvidence(dispute.id, "losing_evidence");
  await bt.dispute.finalize(dispute.id);
  assert.equal((await look(dispute.id)).status, "lost");
  did("dispute.finalize", "loses with losing evidence");
  const { dispute: other } = await disputed();
  await bt.dispute.addTextEvidence(other.id, "ordinary evidence");
  await bt.dispute.finalize(other.id);
  assert.equal((await look(other.id)).status, "disputed");
  did("dispute.finalize", "waits for the bank with other evidence");
  assert.deepEqual(codes(await bt.dispute.finalize(other.id), "dispute", "status"), ["95705"]);
  did("dispute.finalize", "is refused a second time");
  await staff("decide_dispute", { dispute: other.id, status: "won" });
  assert.equal((await look(other.id)).status, "won");
  did("dispute.find", "shows a decision of the bank");
});

test("accepting ends a dispute", async () => {
  const { dispute } = await disputed();
  assert.equal((await bt.dispute.accept(dispute.id)).success, true);
  assert.equal((await look(dispute.id)).status, "accepted");
  did("dispute.accept", "gives the money up");
  assert.deepEqual(codes(await bt.dispute.accept(dispute.id), "dispute", "status"), ["95704"]);
  did("dispute.accept", "is refused a second time");
});

test("a document is uploaded and becomes evidence", async () => {
  const kind = "evidence_document";
  const { documentUpload } = await bt.documentUpload.create({ kind, file: file("proof.pdf", "%PDF-1.4 proof") });
  assert.deepEqual([documentUpload.name, documentUpload.contentType, documentUpload.size], ["proof.pdf", "application/pdf", 14]);
  did("documentUpload.create", "takes a PDF");
  const { dispute } = await disputed();
  const request = { documentId: documentUpload.id, category: "PROOF_OF_DELIVERY" };
  const { evidence } = await bt.dispute.addFileEvidence(dispute.id, request);
  assert.equal(evidence.category, "PROOF_OF_DELIVERY");
  assert.match(evidence.url, /proof\.pdf$/);
  did("dispute.addFileEvidence", "attaches the document");
  const text = await bt.dispute.addFileEvidence(dispute.id, { documentId: documentUpload.id, category: "TRACKING_NUMBER" });
  assert.deepEqual(codes(text, "dispute", "category"), ["95711"]);
  did("dispute.addFileEvidence", "refuses a category of texts");
  await assert.rejects(bt.dispute.addFileEvidence(dispute.id, "nothere"), { name: "notFoundError" });
  did("dispute.addFileEvidence", "is not found for an unknown document");
  const refused = async (name, content) =>
    codes(await bt.documentUpload.create({ kind, file: file(name, content) }), "documentUpload", "file");
  assert.deepEqual(await refused("a.pdf", ""), ["84906"]);
  did("documentUpload.create", "refuses an empty file");
  assert.deepEqual(await refused("a.gif", "GIF89a"), ["84903"]);
  did("documentUpload.create", "refuses another type");
  assert.deepEqual(await refused("big.pdf", "%PDF" + "x".repeat(4 * 1024 * 1024)), ["84902"]);
  did("documentUpload.create", "refuses more than four megabytes");
  const odd = await bt.documentUpload.create({ kind: "holiday_photo", file: file("a.pdf", "%PDF") });
  assert.deepEqual(codes(odd, "documentUpload", "kind"), ["84901"]);
  did("documentUpload.create", "refuses another kind");
});

test("disputes are searched by kind, state, amount, dates and transaction, over pages", async () => {
  const { customerId, token } = await vaulted(bt);
  const { transaction } = await bt.transaction.sale({
    amount: "77.00",
    paymentMethodToken: token,
    options: { submitForSettlement: true },
  });
  await bt.testing.settle(transaction.id);
  const opened = [];
  for (let n = 0; n < 52; n += 1) {
    opened.push((await staff("open_dispute", { id: transaction.id, amount: `${n + 1}.00`, reason: "duplicate" })).id);
  }
  await staff("open_dispute", { id: transaction.id, kind: "retrieval", reason: "retrieval", reply_by: "2099-01-01" });
  const ids = async (criteria) =>
    (await found(bt.dispute.search((s) => (s.transactionId().is(transaction.id), criteria(s))))).map((one) => one.id);
  const all = await ids(() => {});
  assert.equal(new Set(all).size, 53);
  did("dispute.search", "shows more than one page");
  assert.equal((await ids((s) => s.kind().in(["retrieval"]))).length, 1);
  did("dispute.search", "finds by a kind");
  assert.deepEqual((await ids((s) => s.amountDisputed().between("10.00", "11.00"))).sort(), opened.slice(9, 11).sort());
  did("dispute.search", "finds by a range of amounts");
  await bt.dispute.accept(opened[0]);
  assert.deepEqual(await ids((s) => s.status().in(["accepted"])), [opened[0]]);
  did("dispute.search", "finds by a state");
  assert.equal((await ids((s) => (s.replyByDate().min("2098-01-01"), s.customerId().is(customerId)))).length, 1);
  did("dispute.search", "finds by the date to reply and the customer");
});
