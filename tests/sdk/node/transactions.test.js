"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { braintree, gateway, unique, did, vaulted, found } = require("./sandbox");

const bt = gateway();
const { Transaction } = braintree;

async function sell(changes = {}) {
  const { customerId, token } = await vaulted(bt);
  const orderId = unique("o");
  const answer = await bt.transaction.sale({
    amount: "49.00",
    orderId,
    paymentMethodToken: token,
    transactionSource: "recurring",
    options: { submitForSettlement: true },
    ...changes,
  });
  return { ...answer, customerId, token, orderId };
}

const codes = ({ errors }, attribute) => errors.for("transaction").on(attribute).map((e) => e.code);

test("a sale is submitted, found and searched by its order id", async () => {
  const { success, transaction, orderId, customerId, token } = await sell();
  assert.equal(success, true);
  assert.equal(transaction.status, Transaction.Status.SubmittedForSettlement);
  assert.equal(transaction.processorResponseCode, "1000");
  assert.equal(transaction.processorResponseType, "approved");
  assert.deepEqual(transaction.statusHistory.map((e) => e.status), ["authorized", "submitted_for_settlement"]);
  const seen = await bt.transaction.find(transaction.id);
  assert.deepEqual([seen.amount, seen.orderId, seen.customer.id], ["49.00", orderId, customerId]);
  assert.deepEqual([seen.creditCard.token, seen.recurring, seen.refundIds], [token, true, []]);
  const hits = await found(bt.transaction.search((search) => search.orderId().is(orderId)));
  assert.deepEqual(hits.map((hit) => hit.id), [transaction.id]);
});

test("searches combine texts, lists, ranges and flags, newest first", async () => {
  const { customerId, token, transaction: first } = await sell();
  const { transaction: second } = await bt.transaction.sale({ amount: "3.00", paymentMethodToken: token });
  const all = await found(bt.transaction.search((search) => search.customerId().is(customerId)));
  assert.deepEqual(all.map((hit) => hit.id), [second.id, first.id]);
  const some = await found(
    bt.transaction.search((search) => {
      search.customerId().is(customerId);
      search.status().in(["submitted_for_settlement", "settled"]);
      search.amount().between("40.00", "50.00");
      search.createdAt().min(new Date(Date.now() - 60_000));
      search.refund().is(false);
    })
  );
  assert.deepEqual(some.map((hit) => hit.id), [first.id]);
  const none = await found(bt.transaction.search((search) => search.orderId().is(unique("never"))));
  assert.deepEqual(none, []);
});

test("a search over more than a page brings all of it", async () => {
  const { customerId, token } = await vaulted(bt);
  for (let n = 0; n < 53; n += 1) {
    await bt.transaction.sale({ amount: "1.00", orderId: `${customerId}-${n}`, paymentMethodToken: token });
  }
  const hits = await found(bt.transaction.search((search) => search.customerId().is(customerId)));
  assert.equal(new Set(hits.map((hit) => hit.id)).size, 53);
});

test("one call holds an amount and vaults the card under our token", async () => {
  const { customer } = await bt.customer.create({ id: unique("c") });
  const token = unique("m");
  const { success, transaction } = await bt.transaction.sale({
    amount: "59.00",
    customerId: customer.id,
    paymentMethodNonce: "fake-three-d-secure-visa-full-authentication-nonce",
    creditCard: { token },
    transactionSource: "recurring_first",
    options: { storeInVaultOnSuccess: true, submitForSettlement: false, threeDSecure: { required: true } },
  });
  assert.equal(success, true);
  assert.deepEqual([transaction.status, transaction.creditCard.token], ["authorized", token]);
  assert.equal(transaction.threeDSecureInfo.liabilityShifted, true);
  assert.equal((await bt.paymentMethod.find(token)).customerId, customer.id);
  did("transaction.sale", "holds an amount and vaults the card under our token");
  const less = await bt.transaction.submitForSettlement(transaction.id, "9.00");
  assert.deepEqual([less.transaction.amount, less.transaction.status], ["9.00", "submitted_for_settlement"]);
  assert.deepEqual(less.transaction.statusHistory.map((e) => e.amount), ["59.00", "9.00"]);
  assert.deepEqual(codes(await bt.transaction.submitForSettlement(transaction.id), "base"), ["91507"]);
  did("transaction.submitForSettlement", "takes less than was held, and once");
});

test("more than the authorized amount cannot be submitted", async () => {
  const { transaction } = await sell({ options: { submitForSettlement: false } });
  assert.deepEqual(codes(await bt.transaction.submitForSettlement(transaction.id, "49.01"), "amount"), ["91522"]);
  did("transaction.submitForSettlement", "refuses more than was held");
});

test("a void ends a sale and a second one is refused", async () => {
  const { transaction } = await sell();
  assert.equal((await bt.transaction.void(transaction.id)).transaction.status, "voided");
  assert.deepEqual(codes(await bt.transaction.void(transaction.id), "base"), ["91504"]);
  did("transaction.void", "ends a sale, and once");
});

test("a settled sale is refunded in parts until nothing is left", async () => {
  const { transaction, orderId } = await sell();
  assert.deepEqual(codes(await bt.transaction.refund(transaction.id), "base"), ["91506"]);
  await bt.testing.settle(transaction.id);
  assert.equal((await bt.transaction.find(transaction.id)).status, "settled");
  const part = await bt.transaction.refund(transaction.id, { amount: "9.00", orderId: `${orderId}-r1` });
  assert.deepEqual([part.transaction.type, part.transaction.refundedTransactionId], ["credit", transaction.id]);
  assert.equal(part.transaction.orderId, `${orderId}-r1`);
  assert.deepEqual(codes(await bt.transaction.refund(transaction.id, "40.01"), "amount"), ["91521"]);
  const rest = await bt.transaction.refund(transaction.id);
  assert.equal(rest.transaction.amount, "40.00");
  assert.deepEqual(codes(await bt.transaction.refund(transaction.id), "base"), ["91512"]);
  const seen = await bt.transaction.find(transaction.id);
  assert.deepEqual(seen.refundIds, [part.transaction.id, rest.transaction.id]);
  assert.deepEqual(codes(await bt.transaction.refund(rest.transaction.id), "base"), ["91505"]);
  did("transaction.refund", "gives parts back until nothing is left");
  const hits = await found(bt.transaction.search((search) => search.orderId().is(`${orderId}-r1`)));
  assert.deepEqual(hits.map((hit) => hit.id), [part.transaction.id]);
});

test("refunds are declined softly and hard by their amount", async () => {
  const { transaction } = await sell({ amount: "9000.00" });
  await bt.testing.settle(transaction.id);
  const soft = await bt.transaction.refund(transaction.id, "2046.00");
  assert.deepEqual([soft.success, soft.transaction.processorResponseCode], [true, "1005"]);
  assert.equal(soft.transaction.additionalProcessorResponse, "2046 : Declined");
  const hard = await bt.transaction.refund(transaction.id, "2004.00");
  assert.deepEqual([hard.success, hard.transaction.status], [false, "processor_declined"]);
  assert.deepEqual([hard.transaction.type, hard.transaction.processorResponseType], ["credit", "hard_declined"]);
  did("transaction.refund", "is declined softly and hard by its amount");
});

test("a decline carries its transaction and no validation errors", async () => {
  const declined = await sell({ amount: "2001.00" });
  assert.equal(declined.success, false);
  assert.equal(declined.message, "Insufficient Funds");
  assert.deepEqual(declined.errors.deepErrors(), []);
  assert.equal(declined.transaction.status, "processor_declined");
  assert.equal(declined.transaction.processorResponseCode, "2001");
  assert.equal(declined.transaction.processorResponseType, "soft_declined");
  assert.equal((await bt.transaction.find(declined.transaction.id)).status, "processor_declined");
  did("transaction.find", "shows a decline");
});

test("a gateway rejection names its reason", async () => {
  const rejected = await sell({ amount: "5001.00" });
  assert.equal(rejected.success, false);
  assert.equal(rejected.message, "Gateway Rejected: application_incomplete");
  assert.equal(rejected.transaction.status, "gateway_rejected");
  assert.equal(rejected.transaction.gatewayRejectionReason, "application_incomplete");
  assert.equal(rejected.transaction.processorResponseCode, null);
});

test("the same sale twice within the window is rejected as a duplicate", async () => {
  const { token, orderId } = await sell();
  const again = await bt.transaction.sale({ amount: "49.00", orderId, paymentMethodToken: token });
  assert.equal(again.transaction.gatewayRejectionReason, "duplicate");
});

test("a processor failure and a partial approval follow the amounts", async () => {
  const failed = await sell({ amount: "3000.00" });
  assert.deepEqual([failed.success, failed.transaction.status], [false, "failed"]);
  const partly = await sell({ amount: "1004.00", acceptPartialAuthorization: true });
  assert.deepEqual([partly.success, partly.transaction.partiallyAuthorized], [true, true]);
});

test("an at-most-once key replays its transaction and refuses another request", async () => {
  const { token } = await vaulted(bt);
  const request = () => ({ amount: "10.00", paymentMethodToken: token, apiRequestKey: token, orderId: token });
  const first = await bt.transaction.sale(request());
  const second = await bt.transaction.sale(request());
  assert.equal(second.transaction.id, first.transaction.id);
  assert.deepEqual(codes(await bt.transaction.sale({ ...request(), amount: "11.00" }), "apiRequestKey"), ["915232"]);
  assert.deepEqual(codes(await bt.transaction.sale({ ...request(), apiRequestKey: "k".repeat(256) }), "apiRequestKey"), ["915230"]);
  const key = { apiRequestKey: `${token}.v` };
  assert.equal((await bt.transaction.void(first.transaction.id, key)).transaction.status, "voided");
  assert.equal((await bt.transaction.void(first.transaction.id, key)).transaction.status, "voided");
});

test("all faults of a sale come at once", async () => {
  const bad = await bt.transaction.sale({
    amount: "-1",
    orderId: "o".repeat(256),
    customerId: "nobody",
    merchantAccountId: "none",
    transactionSource: "nonsense",
  });
  assert.deepEqual(codes(bad, "orderId"), ["91501"]);
  assert.deepEqual(codes(bad, "customerId"), ["91510"]);
  assert.deepEqual(codes(bad, "merchantAccountId"), ["91513"]);
  assert.deepEqual(codes(bad, "transactionSource"), ["915133"]);
  assert.deepEqual(codes(await bt.transaction.sale({ amount: "-1", paymentMethodNonce: "fake-valid-nonce" }), "amount"), ["81501"]);
  assert.deepEqual(codes(await bt.transaction.sale({ amount: "1.00" }), "base"), ["91508"]);
});

test("settlement can be declined, and only what was submitted can be settled", async () => {
  const { transaction } = await sell();
  await bt.testing.settlementDecline(transaction.id);
  assert.equal((await bt.transaction.find(transaction.id)).status, "settlement_declined");
  const held = await sell({ options: { submitForSettlement: false } });
  const answer = await bt.testing.settle(held.transaction.id);
  assert.equal(answer.apiErrorResponse.errors.transaction.errors[0].code, "91575");
});

test("line items, descriptor and Level 2 data are kept as sent", async () => {
  const { success, transaction } = await sell({
    purchaseOrderNumber: "PO-1",
    taxAmount: "4.00",
    descriptor: { name: "abc*product" },
    lineItems: [{ kind: "debit", name: "seat", quantity: "1", unitAmount: "49.00", totalAmount: "49.00" }],
  });
  assert.equal(success, true);
  assert.deepEqual([transaction.purchaseOrderNumber, transaction.taxAmount], ["PO-1", "4.00"]);
  assert.equal(transaction.descriptor.name, "abc*product");
  assert.deepEqual((await transaction.lineItems()).map((item) => item.name), ["seat"]);
});

test("a settled batch has a summary and accounts have their currencies", async () => {
  const { transaction } = await sell();
  await bt.testing.settle(transaction.id);
  const { settlementBatchId } = await bt.transaction.find(transaction.id);
  const day = settlementBatchId.slice(0, 10);
  const { settlementBatchSummary } = await bt.settlementBatchSummary.generate({ settlementDate: day });
  assert.ok(settlementBatchSummary.records.some((record) => record.kind === "sale" && record.cardType === "Visa"));
  const account = await bt.merchantAccount.find(transaction.merchantAccountId);
  assert.equal(account.currencyIsoCode, transaction.currencyIsoCode);
});

test("a signed sample notification is accepted and a damaged one is not", async () => {
  const { bt_signature: signature, bt_payload: payload } = bt.webhookTesting.sampleNotification("check", "x");
  const notification = await bt.webhookNotification.parse(signature, payload);
  assert.equal(notification.kind, "check");
  await assert.rejects(bt.webhookNotification.parse(signature, `x${payload.slice(1)}`), { name: "invalidSignatureError" });
});
