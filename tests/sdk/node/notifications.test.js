"use strict";
// What the sandbox really sends, read by the SDK: each kind of notification that this merchant's account can cause.

const { after, before, test } = require("node:test");
const assert = require("node:assert/strict");
const { createServer } = require("node:http");
const { control, did, gateway, sandbox, staff, unique, vaulted } = require("./sandbox");

const bt = gateway();
const plan = unique("plan");
const received = [];
let listener, earlier;

/** Takes notifications, and answers the challenge with the SDK's own signature. */
function answer(request, response) {
  const challenge = new URL(request.url, "http://localhost").searchParams.get("bt_challenge");
  if (request.method === "GET") {
    return response.end(bt.webhookNotification.verify(challenge));
  }
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const fields = new URLSearchParams(Buffer.concat(chunks).toString());
    const payload = fields.get("bt_payload");
    received.push({ signature: fields.get("bt_signature"), payload, xml: Buffer.from(payload, "base64").toString() });
    response.end();
  });
}

before(async () => {
  earlier = (await (await fetch(`${sandbox.control_url}/webhooks`)).json()).targets.braintree ?? null;
  listener = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((done) => listener.once("listening", done));
  await staff("create_plan", { id: plan, price: "20.00", currency_iso_code: "EUR" });
  await staff("register_webhook", { url: `http://127.0.0.1:${listener.address().port}/` });
});

after(async () => {
  await control("/webhooks", { targets: { braintree: earlier } });
  listener.closeAllConnections();
  listener.close();
});

/** The next notification of this kind that names `id`, verified and parsed by the SDK. */
async function told(kind, id) {
  const wanted = (xml) => xml.includes(`<kind>${kind}</kind>`) && xml.includes(id);
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const found = received.find(({ xml }) => wanted(xml));
    if (found) {
      const seen = await bt.webhookNotification.parse(found.signature, found.payload);
      assert.equal(seen.kind, kind);
      did("webhookNotification.parse", `accepts the signature of ${kind}`);
      return seen;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`no ${kind} came within 20 seconds`);
}

const advance = (by) => control("/clock", { advance: by });
/** Moves the clock to the morning of the next bill. */
const billed = ({ nextBillingDate }) => control("/clock", { set: `${nextBillingDate}T06:00:00Z` });

async function subscribe(changes = {}) {
  const { token } = await vaulted(bt);
  const made = await bt.subscription.create({ id: unique("s"), paymentMethodToken: token, planId: plan, ...changes });
  assert.equal(made.success, true, made.message);
  return { id: made.subscription.id, token };
}

test("the test button's notification and the challenge", async () => {
  did("webhookNotification.verify", "answers the challenge that the sandbox asks");
  await staff("check_webhook");
  await told("check", "");
  await assert.rejects(staff("register_webhook", { url: "http://127.0.0.1:9/" }), /could not be reached/);
});

test("a subscription's first charge, unpaid bill, retry and cancel", async () => {
  const { id, token } = await subscribe();
  const charged = await told("subscription_charged_successfully", id);
  assert.deepEqual(charged.subscription.transactions.map((t) => t.amount), ["20.00"]);
  assert.equal((await told("subscription_went_active", id)).subscription.status, "Active");
  await staff("set_card_behaviour", { token, decline_code: "2001" });
  await billed(charged.subscription);
  const failed = await told("subscription_charged_unsuccessfully", id);
  assert.equal(failed.subscription.transactions[0].status, "processor_declined");
  assert.equal((await told("subscription_went_past_due", id)).subscription.balance, "20.00");
  await bt.subscription.cancel(id);
  assert.equal((await told("subscription_canceled", id)).subscription.status, "Canceled");
});

test("the end of a trial, of the last cycle, and a bill that a credit covers", async () => {
  const trial = await subscribe({ trialPeriod: true, trialDuration: 3, trialDurationUnit: "day", numberOfBillingCycles: 1 });
  const credited = await subscribe();
  await bt.subscription.update(credited.id, { price: "0.00" });
  await advance("P4D");
  const ended = await told("subscription_trial_ended", trial.id);
  assert.equal(ended.subscription.currentBillingCycle, 1);
  await billed(ended.subscription);
  assert.equal((await told("subscription_expired", trial.id)).subscription.status, "Expired");
  const skipped = await told("subscription_billing_skipped", credited.id);
  assert.equal(skipped.subscription.balance, "-20.00");
});

test("every state of a dispute", async () => {
  const { token } = await vaulted(bt);
  const { transaction } = await bt.transaction.sale({
    amount: "30.00",
    paymentMethodToken: token,
    options: { submitForSettlement: true },
  });
  await bt.testing.settle(transaction.id);
  const open = (more) => staff("open_dispute", { id: transaction.id, amount: "1.00", ...more });
  const first = await open({ kind: "chargeback" });
  const opened = await told("dispute_opened", first.id);
  assert.deepEqual([opened.dispute.status, opened.dispute.transaction.id], ["open", transaction.id]);
  for (const status of ["under_review", "disputed", "lost", "won"]) {
    await staff("decide_dispute", { dispute: first.id, status });
    assert.equal((await told(`dispute_${status}`, first.id)).dispute.status, status);
  }
  const again = await open({ kind: "pre_arbitration", original: first.id });
  assert.equal((await told("dispute_opened", again.id)).dispute.originalDisputeId, first.id);
  await bt.dispute.accept(again.id);
  await told("dispute_accepted", again.id);
  const settled = await open({ program: "visa_rdr" });
  assert.equal((await told("dispute_auto_accepted", settled.id)).dispute.preDisputeProgram, "visa_rdr");
  const silent = await open();
  await advance("P12D");
  await told("dispute_expired", silent.id);
});

test("a payout, one that the bank sends back, a failed refund and a reviewed payment", async () => {
  const { token } = await vaulted(bt);
  const { transaction } = await bt.transaction.sale({
    amount: "40.00",
    paymentMethodToken: token,
    options: { submitForSettlement: true },
  });
  await staff("review_transaction", { id: transaction.id, decision: "accept" });
  const reviewed = await told("transaction_reviewed", transaction.id);
  assert.equal(reviewed.transactionReview.decision, "accept");
  await advance("PT49H");
  const paid = await told("disbursement", transaction.id);
  assert.deepEqual([paid.disbursement.success, paid.disbursement.merchantAccount.id], [true, "sandbox_eur"]);
  await staff("fail_disbursement", { id: transaction.id });
  const back = await told("disbursement_exception", transaction.id);
  assert.deepEqual([back.disbursement.success, back.disbursement.exceptionMessage], [false, "bank_rejected"]);
  const { transaction: refund } = await bt.transaction.refund(transaction.id, "5.00");
  await staff("fail_refund", { id: refund.id });
  const failed = await told("refund_failed", refund.id);
  assert.equal(failed.transaction.status, "processor_declined");
});
