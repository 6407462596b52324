"use strict";
// Batches, their summary and payouts, by the clock.

const { test } = require("node:test");
const assert = require("node:assert/strict");
const { codes, control, did, gateway, staff, unique, vaulted } = require("./sandbox");

const bt = gateway();

test("a day's batch is summarised by card type, kind, account and a custom field", async () => {
  const field = "cost_center";
  await staff("define_custom_field", { name: field });
  const { token } = await vaulted(bt);
  const centre = unique("centre");
  const sell = async (amount, value) =>
    (
      await bt.transaction.sale({
        amount,
        orderId: unique("o"),
        paymentMethodToken: token,
        customFields: { [field]: value },
        options: { submitForSettlement: true },
      })
    ).transaction;
  const [first, second] = [await sell("10.00", centre), await sell("15.00", centre)];
  const settled = await bt.testing.settle(first.id);
  await bt.testing.settle(second.id);
  assert.deepEqual([settled.transaction.status, settled.transaction.processorSettlementResponseCode], ["settled", "4000"]);
  did("testing.settle", "confirms the settlement");
  const settlementDate = settled.transaction.settlementBatchId.slice(0, 10);
  const plain = await bt.settlementBatchSummary.generate({ settlementDate });
  const visa = plain.settlementBatchSummary.records.find((r) => r.cardType === "Visa" && r.kind === "sale");
  assert.ok(Number(visa.count) >= 2);
  did("settlementBatchSummary.generate", "sums a day by card type, kind and account");
  const grouped = await bt.settlementBatchSummary.generate({ settlementDate, groupByCustomField: field });
  const own = grouped.settlementBatchSummary.records.find((r) => r[field] === centre);
  assert.deepEqual([own.count, own.amountSettled, own.merchantAccountId], ["2", "25.00", "sandbox_eur"]);
  did("settlementBatchSummary.generate", "groups by a custom field");
  const empty = await bt.settlementBatchSummary.generate({ settlementDate: "2001-01-01" });
  assert.deepEqual(empty.settlementBatchSummary.records, []);
  did("settlementBatchSummary.generate", "is empty for a day without a batch");
  const refused = async (criteria, attribute) =>
    codes(await bt.settlementBatchSummary.generate(criteria), "settlementBatchSummary", attribute);
  assert.deepEqual(await refused({ settlementDate: "soon" }, "settlementDate"), ["82302"]);
  did("settlementBatchSummary.generate", "refuses what is no date");
  assert.deepEqual(await refused({}, "settlementDate"), ["82301"]);
  did("settlementBatchSummary.generate", "needs a date");
  assert.deepEqual(await refused({ settlementDate, groupByCustomField: "nothere" }, "groupByCustomField"), ["82303"]);
  did("settlementBatchSummary.generate", "refuses a custom field that is not defined");
});

test("the clock settles a sale and pays it out", async () => {
  const { token } = await vaulted(bt);
  const { transaction } = await bt.transaction.sale({
    amount: "12.00",
    paymentMethodToken: token,
    options: { submitForSettlement: true },
  });
  await control("/clock", { advance: "PT49H" });
  const paid = await bt.transaction.find(transaction.id);
  assert.equal(paid.status, "settled");
  assert.deepEqual(paid.statusHistory.map((e) => e.status), ["authorized", "submitted_for_settlement", "settling", "settled"]);
  assert.deepEqual([paid.disbursementDetails.settlementAmount, paid.disbursementDetails.success], ["12.00", true]);
  assert.equal(paid.isDisbursed(), true);
  did("transaction.find", "shows the payout of a settled sale");
});

test("a hold that nobody submits expires", async () => {
  const { token } = await vaulted(bt);
  const { transaction } = await bt.transaction.sale({ amount: "5.00", paymentMethodToken: token });
  await control("/clock", { advance: "P8D" });
  assert.equal((await bt.transaction.find(transaction.id)).status, "authorization_expired");
  did("transaction.find", "shows an expired authorization");
});
