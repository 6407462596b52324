"use strict";
// Subscriptions: their terms, their bills over time, their ends.

const { before, test } = require("node:test");
const assert = require("node:assert/strict");
const { codes, control, did, found, gateway, staff, unique, vaulted } = require("./sandbox");

const bt = gateway();
const [monthly, yearly, trial] = [unique("monthly"), unique("yearly"), unique("trial")];
const [seat, storage, rebate] = [unique("seat"), unique("storage"), unique("rebate")];

before(async () => {
  await staff("create_add_on", { id: seat, amount: "5.00", name: "Seat" });
  await staff("create_add_on", { id: storage, amount: "3.00", name: "Storage" });
  await staff("create_discount", { id: rebate, amount: "4.00", name: "Rebate" });
  const plan = { price: "20.00", billing_frequency: 1, currency_iso_code: "EUR" };
  await staff("create_plan", { ...plan, id: monthly, add_ons: { add: [{ inherited_from_id: seat }] } });
  await staff("create_plan", { ...plan, id: yearly, price: "200.00", billing_frequency: 12 });
  await staff("create_plan", { ...plan, id: trial, trial_period: true, trial_duration: 14, trial_duration_unit: "day" });
});

async function subscribe(changes = {}) {
  const { token } = changes.paymentMethodToken ? { token: changes.paymentMethodToken } : await vaulted(bt);
  const result = await bt.subscription.create({ paymentMethodToken: token, planId: monthly, ...changes });
  assert.equal(result.success, true, result.message);
  return { subscription: result.subscription, token };
}

const day = (date) => date.toISOString().slice(0, 10);
async function today() {
  const { now } = await (await fetch(`${require("./sandbox").sandbox.control_url}/clock`)).json();
  return new Date(now);
}
const later = async (days) => new Date((await today()).getTime() + days * 86_400_000);
const advance = (by) => control("/clock", { advance: by });
/** Moves the clock to the morning of the next bill. */
const billed = ({ nextBillingDate }) => control("/clock", { set: `${nextBillingDate}T06:00:00Z` });

test("a subscription with a chosen id is charged within the call", async () => {
  const id = unique("s");
  const { subscription, token } = await subscribe({ id });
  assert.deepEqual([subscription.id, subscription.status, subscription.price], [id, "Active", "20.00"]);
  assert.deepEqual([subscription.balance, subscription.currentBillingCycle], ["0.00", 1]);
  const [transaction] = subscription.transactions;
  assert.deepEqual([transaction.amount, transaction.status], ["25.00", "submitted_for_settlement"]);
  assert.deepEqual([transaction.subscriptionId, transaction.planId], [id, monthly]);
  assert.deepEqual([transaction.statusHistory[0].transactionSource, transaction.recurring], ["recurring", true]);
  assert.deepEqual(transaction.addOns.map((one) => one.id), [seat]);
  did("subscription.create", "charges the first cycle with inherited add-ons");
  const seen = await bt.subscription.find(id);
  assert.deepEqual([seen.neverExpires, seen.paymentMethodToken, seen.failureCount], [true, token, 0]);
  assert.equal(seen.paidThroughDate, seen.billingPeriodEndDate);
  assert.equal(seen.statusHistory[0].status, "Active");
  did("subscription.find", "shows cycle, paid-through date and history");
  const card = await bt.paymentMethod.find(token);
  assert.deepEqual(card.subscriptions.map((one) => one.id), [id]);
  did("paymentMethod.find", "lists the subscriptions that the card pays for");
});

test("an id is taken once and has only plain characters", async () => {
  const { subscription, token } = await subscribe({ id: unique("s") });
  const again = await bt.subscription.create({ id: subscription.id, paymentMethodToken: token, planId: monthly });
  assert.deepEqual(codes(again, "subscription", "id"), ["81902"]);
  did("subscription.create", "refuses an id that is taken");
  const odd = await bt.subscription.create({ id: "no spaces", paymentMethodToken: token, planId: monthly });
  assert.deepEqual(codes(odd, "subscription", "id"), ["81906"]);
  did("subscription.create", "refuses an id with other characters");
});

test("a first charge that is declined leaves no subscription and its id free", async () => {
  const { token } = await vaulted(bt);
  const id = unique("s");
  const declined = await bt.subscription.create({ id, paymentMethodToken: token, planId: yearly, price: "2001.00" });
  assert.deepEqual([declined.success, declined.transaction.status], [false, "processor_declined"]);
  assert.equal(declined.message, "Insufficient Funds");
  await assert.rejects(bt.subscription.find(id), { name: "notFoundError" });
  did("subscription.create", "makes nothing when the first charge is declined");
  did("subscription.find", "is not found after a declined first charge");
  await subscribe({ id, paymentMethodToken: token });
});

test("faults of a subscription stand at their fields, all together", async () => {
  const { token } = await vaulted(bt);
  const create = (fields) => bt.subscription.create({ paymentMethodToken: token, planId: monthly, ...fields });
  const wrong = await create({ planId: "nothere", paymentMethodToken: "nothere", price: "many" });
  assert.deepEqual(codes(wrong, "subscription", "planId"), ["91904"]);
  assert.deepEqual(codes(wrong, "subscription", "paymentMethodToken"), ["91903"]);
  did("subscription.create", "refuses an unknown plan and an unknown card together");
  assert.deepEqual(codes(await create({ price: "many" }), "subscription", "price"), ["81904"]);
  did("subscription.create", "refuses a price that is none");
  const past = await create({ firstBillingDate: "2020-01-01" });
  assert.deepEqual(codes(past, "subscription", "firstBillingDate"), ["91916"]);
  did("subscription.create", "refuses a first billing date in the past");
  const both = await create({ billingDayOfMonth: 3, options: { startImmediately: true } });
  assert.deepEqual(codes(both, "subscription", "base"), ["91917"]);
  did("subscription.create", "refuses two ways to begin at once");
  assert.deepEqual(codes(await create({ billingDayOfMonth: 30 }), "subscription", "billingDayOfMonth"), ["91914"]);
  did("subscription.create", "refuses a billing day that not every month has");
  const cycles = await create({ numberOfBillingCycles: 3, neverExpires: true });
  assert.deepEqual(codes(cycles, "subscription", "base"), ["91908"]);
  did("subscription.create", "refuses a number of cycles beside never expires");
  const bare = await create({ trialPeriod: true });
  assert.deepEqual(codes(bare, "subscription", "trialDuration"), ["81908"]);
  did("subscription.create", "refuses a trial without a length");
  const dollars = await create({ merchantAccountId: "sandbox_usd" });
  assert.deepEqual(codes(dollars, "subscription", "base"), ["91923"]);
  did("subscription.create", "refuses a plan in another currency");
});

test("add-ons and discounts are added, changed and removed, each fault at its index", async () => {
  const { subscription, token } = await subscribe({
    addOns: {
      add: [{ inheritedFromId: storage, quantity: 2, amount: "3.50" }],
      update: [{ existingId: seat, quantity: 3 }],
    },
    discounts: { add: [{ inheritedFromId: rebate }] },
  });
  assert.equal(subscription.transactions[0].amount, "38.00");
  const lines = subscription.addOns.map((one) => [one.id, one.amount, one.quantity]);
  assert.deepEqual(lines, [[seat, "5.00", 3], [storage, "3.50", 2]]);
  assert.deepEqual(subscription.discounts.map((one) => one.id), [rebate]);
  did("subscription.create", "adds and changes add-ons and discounts");
  const alone = await subscribe({ paymentMethodToken: token, options: { doNotInheritAddOnsOrDiscounts: true } });
  assert.deepEqual([alone.subscription.addOns, alone.subscription.transactions[0].amount], [[], "20.00"]);
  did("subscription.create", "inherits nothing where told so");
  const wrong = await bt.subscription.create({
    paymentMethodToken: token,
    planId: monthly,
    addOns: {
      add: [{ inheritedFromId: storage }, { inheritedFromId: "nothere" }, { inheritedFromId: rebate, quantity: 0 }],
      update: [{ existingId: storage, amount: "many" }, { quantity: 2 }],
      remove: ["nothere"],
    },
  });
  assert.deepEqual(codes(wrong, "subscription", "addOns", "add", 1, "inheritedFromId"), ["92013"]);
  assert.deepEqual(codes(wrong, "subscription", "addOns", "add", 2, "inheritedFromId"), ["92013"]);
  assert.deepEqual(codes(wrong, "subscription", "addOns", "update", 0, "existingId"), ["92011"]);
  assert.deepEqual(codes(wrong, "subscription", "addOns", "update", 1, "existingId"), ["92012"]);
  assert.deepEqual(codes(wrong, "subscription", "addOns", "remove"), ["92016"]);
  assert.equal(wrong.errors.for("subscription").deepErrors().length, 5);
  did("subscription.create", "notes the faults of add-ons at their index");
  const removed = await bt.subscription.update(subscription.id, { addOns: { remove: [storage] } });
  assert.deepEqual(removed.subscription.addOns.map((one) => one.id), [seat]);
  did("subscription.update", "removes an add-on");
  const replaced = await bt.subscription.update(subscription.id, {
    addOns: { add: [{ inheritedFromId: storage }] },
    options: { replaceAllAddOnsAndDiscounts: true },
  });
  assert.deepEqual(replaced.subscription.addOns.map((one) => one.id), [storage]);
  assert.deepEqual(replaced.subscription.discounts, []);
  did("subscription.update", "replaces all add-ons and discounts");
});

test("a higher price is charged for the rest of the cycle, a lower one credited", async () => {
  const { subscription } = await subscribe();
  const dearer = (await bt.subscription.update(subscription.id, { price: "30.00" })).subscription;
  assert.deepEqual([dearer.price, dearer.transactions.length, dearer.transactions[0].amount], ["30.00", 2, "10.00"]);
  did("subscription.update", "charges the difference of a higher price");
  const cheaper = (await bt.subscription.update(subscription.id, { price: "26.00" })).subscription;
  assert.deepEqual([cheaper.balance, cheaper.transactions.length], ["-4.00", 2]);
  assert.equal(cheaper.nextBillAmount, "27.00");
  did("subscription.update", "credits the difference of a lower price");
  const quiet = await bt.subscription.update(subscription.id, { price: "40.00", options: { prorateCharges: false } });
  assert.equal(quiet.subscription.transactions.length, 2);
  did("subscription.update", "charges no difference where told so");
});

test("a proration that is declined is taken back, or owed where told so", async () => {
  const { subscription } = await subscribe();
  const back = await bt.subscription.update(subscription.id, { price: "2021.00", options: { prorateCharges: true } });
  assert.equal(back.success, false);
  assert.deepEqual([back.subscription.price, back.subscription.balance], ["20.00", "0.00"]);
  assert.equal(back.subscription.transactions[0].status, "processor_declined");
  did("subscription.update", "takes a change back whose charge was declined");
  const kept = await bt.subscription.update(subscription.id, {
    price: "2021.00",
    options: { prorateCharges: true, revertSubscriptionOnProrationFailure: false },
  });
  assert.equal(kept.success, true);
  assert.deepEqual([kept.subscription.price, kept.subscription.balance], ["2021.00", "2001.00"]);
  did("subscription.update", "keeps a declined change as a balance where told so");
});

test("card, plan and number of cycles change; another frequency does not", async () => {
  const { subscription } = await subscribe();
  const { token } = await vaulted(bt, "fake-valid-mastercard-nonce");
  const moved = await bt.subscription.update(subscription.id, { paymentMethodToken: token, numberOfBillingCycles: 5 });
  assert.deepEqual([moved.subscription.paymentMethodToken, moved.subscription.numberOfBillingCycles], [token, 5]);
  did("subscription.update", "moves to another card and a number of cycles");
  const endless = await bt.subscription.update(subscription.id, { neverExpires: true });
  assert.equal(endless.subscription.neverExpires, true);
  did("subscription.update", "takes the end away again");
  assert.deepEqual(codes(await bt.subscription.update(subscription.id, { planId: yearly }), "subscription", "planId"), ["91922"]);
  did("subscription.update", "refuses a plan of another frequency");
  const other = await bt.subscription.update(subscription.id, { planId: trial });
  assert.deepEqual([other.subscription.planId, other.subscription.price], [trial, "20.00"]);
  did("subscription.update", "takes another plan and keeps its price");
  await assert.rejects(bt.subscription.update("nothere", { price: "1.00" }), { name: "notFoundError" });
  did("subscription.update", "is not found by an unknown id");
});

test("a trial charges nothing until it ends", async () => {
  const { subscription } = await subscribe({ planId: trial });
  assert.deepEqual([subscription.status, subscription.trialPeriod, subscription.transactions], ["Active", true, []]);
  assert.equal(subscription.firstBillingDate, day(await later(14)));
  did("subscription.create", "charges nothing in a trial");
  await advance("P15D");
  const seen = await bt.subscription.find(subscription.id);
  assert.deepEqual([seen.currentBillingCycle, seen.transactions.map((t) => t.amount)], [1, ["20.00"]]);
  did("subscription.find", "shows the first charge after the trial");
});

test("a later first date leaves it pending, and it ends after its last cycle", async () => {
  const { subscription } = await subscribe({ firstBillingDate: day(await later(10)), numberOfBillingCycles: 2 });
  assert.deepEqual([subscription.status, subscription.transactions.length], ["Pending", 0]);
  did("subscription.create", "waits for a later first date");
  await advance("P11D");
  const first = await bt.subscription.find(subscription.id);
  assert.equal(first.status, "Active");
  await billed(first);
  const second = await bt.subscription.find(subscription.id);
  assert.equal(second.transactions.length, 2);
  await billed(second);
  const over = await bt.subscription.find(subscription.id);
  assert.deepEqual([over.status, over.transactions.length], ["Expired", 2]);
  did("subscription.find", "shows it expired after its last cycle");
  assert.deepEqual(codes(await bt.subscription.update(over.id, { price: "1.00" }), "subscription", "base"), ["81910"]);
  did("subscription.update", "refuses to change an expired one");
});

test("an unpaid bill makes it past due, and a retry charge pays it", async () => {
  const { subscription, token } = await subscribe();
  const early = await bt.subscription.retryCharge(subscription.id);
  assert.deepEqual(codes(early, "transaction", "subscriptionId"), ["91531"]);
  did("subscription.retryCharge", "refuses one that is not past due");
  await staff("set_card_behaviour", { token, decline_code: "2001" });
  await billed(subscription);
  const owing = await bt.subscription.find(subscription.id);
  assert.deepEqual([owing.status, owing.balance, owing.failureCount], ["Past Due", "25.00", 1]);
  assert.equal(owing.transactions[0].processorResponseCode, "2001");
  did("subscription.find", "shows it past due with what is owed");
  const dearer = await bt.subscription.update(owing.id, { price: "30.00" });
  assert.deepEqual(codes(dearer, "subscription", "base"), ["91920"]);
  did("subscription.update", "refuses another price while past due");
  const declined = await bt.subscription.retryCharge(owing.id, "25.00", true);
  assert.deepEqual([declined.success, declined.transaction.status], [false, "processor_declined"]);
  did("subscription.retryCharge", "shows the decline of its transaction");
  await staff("set_card_behaviour", { token, decline_code: null });
  const part = await bt.subscription.retryCharge(owing.id, "5.00", true);
  assert.deepEqual([part.transaction.amount, part.transaction.status], ["5.00", "submitted_for_settlement"]);
  const still = await bt.subscription.find(owing.id);
  assert.deepEqual([still.status, still.balance], ["Past Due", "20.00"]);
  did("subscription.retryCharge", "takes a part and leaves the rest owed");
  const rest = await bt.subscription.retryCharge(owing.id);
  assert.deepEqual([rest.transaction.amount, rest.transaction.status], ["20.00", "authorized"]);
  assert.equal((await bt.subscription.find(owing.id)).status, "Active");
  did("subscription.retryCharge", "takes all that is owed, only authorized unless told to submit");
});

test("cancel ends it at once, and a second one is refused", async () => {
  const { subscription } = await subscribe();
  assert.equal((await bt.subscription.cancel(subscription.id)).subscription.status, "Canceled");
  did("subscription.cancel", "ends it at once");
  assert.deepEqual(codes(await bt.subscription.cancel(subscription.id), "subscription", "status"), ["81905"]);
  did("subscription.cancel", "refuses a second cancel");
  const edited = await bt.subscription.update(subscription.id, { price: "1.00" });
  assert.deepEqual(codes(edited, "subscription", "base"), ["81901"]);
  did("subscription.update", "refuses to change a canceled one");
  await assert.rejects(bt.subscription.cancel("nothere"), { name: "notFoundError" });
  did("subscription.cancel", "is not found by an unknown id");
});

test("deleting the card cancels what it pays for", async () => {
  const { subscription, token } = await subscribe();
  await bt.paymentMethod.delete(token);
  assert.equal((await bt.subscription.find(subscription.id)).status, "Canceled");
  did("paymentMethod.delete", "cancels the subscriptions of the card");
});

test("subscriptions are searched by plan, price, status, dates and what is left", async () => {
  const plan = unique("searched");
  await staff("create_plan", { id: plan, price: "11.00", currency_iso_code: "EUR" });
  const { subscription: first, token } = await subscribe({ planId: plan, numberOfBillingCycles: 5 });
  const { subscription: second } = await subscribe({ planId: plan, price: "33.00", paymentMethodToken: token });
  await bt.subscription.cancel(second.id);
  const ids = async (criteria) =>
    (await found(bt.subscription.search((s) => (s.planId().is(plan), criteria(s))))).map((one) => one.id);
  assert.deepEqual(await ids(() => {}), [second.id, first.id]);
  did("subscription.search", "finds by plan, newest first");
  assert.deepEqual(await ids((s) => s.status().in(["Active", "Past Due"])), [first.id]);
  did("subscription.search", "finds by a list of states");
  assert.deepEqual(await ids((s) => s.price().between("30.00", "40.00")), [second.id]);
  did("subscription.search", "finds by a range of prices");
  assert.deepEqual(await ids((s) => s.billingCyclesRemaining().is("4")), [first.id]);
  did("subscription.search", "finds by the cycles that remain");
  assert.deepEqual(await ids((s) => s.transactionId().is(first.transactions[0].id)), [first.id]);
  did("subscription.search", "finds by a transaction");
  assert.deepEqual(await ids((s) => (s.id().startsWith(first.id.slice(0, 5)), s.nextBillingDate().max("2000-01-01"))), []);
  did("subscription.search", "finds nothing where a date does not fit");
});
