"use strict";
// Searches of transactions, customers and verifications: operators, several criteria, pages.

const { before, test } = require("node:test");
const assert = require("node:assert/strict");
const { control, did, found, gateway, unique, vaulted } = require("./sandbox");

const bt = gateway();
let customerId, token, small, large;

before(async () => {
  ({ customerId, token } = await vaulted(bt));
  const sell = async (amount, orderId) =>
    (
      await bt.transaction.sale({
        amount,
        orderId,
        paymentMethodToken: token,
        billing: { postalCode: "10115", locality: "Berlin" },
        options: { submitForSettlement: true },
      })
    ).transaction;
  small = await sell("10.00", unique("small"));
  large = await sell("90.00", unique("large"));
});

/** The ids that a search finds among this file's customer's transactions. */
const sales = async (criteria) =>
  (await found(bt.transaction.search((s) => (s.customerId().is(customerId), criteria(s))))).map((hit) => hit.id);

test("texts are, are not, begin, end and contain", async () => {
  assert.deepEqual(await sales((s) => s.orderId().is(small.orderId)), [small.id]);
  did("transaction.search", "finds a text that is");
  assert.deepEqual(await sales((s) => s.orderId().isNot(small.orderId)), [large.id]);
  did("transaction.search", "finds a text that is not");
  assert.deepEqual(await sales((s) => s.orderId().startsWith("small-")), [small.id]);
  did("transaction.search", "finds the beginning of a text");
  assert.deepEqual(await sales((s) => s.orderId().endsWith(large.orderId.slice(-6))), [large.id]);
  did("transaction.search", "finds the end of a text");
  assert.deepEqual(await sales((s) => s.orderId().contains("arge")), [large.id]);
  did("transaction.search", "finds what a text contains");
});

test("ranges, lists and flags narrow a search, newest first", async () => {
  assert.deepEqual(await sales((s) => s.amount().between("10.00", "90.00")), [large.id, small.id]);
  did("transaction.search", "finds amounts between two, newest first");
  assert.deepEqual(await sales((s) => s.amount().min("90.00")), [large.id]);
  did("transaction.search", "finds amounts from a least one");
  assert.deepEqual(await sales((s) => s.amount().max("10.00")), [small.id]);
  did("transaction.search", "finds amounts up to a most one");
  assert.deepEqual(await sales((s) => (s.status().in(["settled", "voided"]), s.type().is("sale"))), []);
  did("transaction.search", "finds nothing in other states");
  assert.deepEqual(await sales((s) => (s.source().in(["api"]), s.creditCardCardType().in(["Visa"]))), [large.id, small.id]);
  did("transaction.search", "finds by source and card type");
  const byCard = await sales((s) => (s.billingPostalCode().is("10115"), s.creditCardNumber().endsWith("1881")));
  assert.deepEqual(byCard, [large.id, small.id]);
  did("transaction.search", "finds by billing address and the end of the card's number");
  assert.deepEqual(await sales((s) => s.refund().is(true)), []);
  did("transaction.search", "finds refunds alone");
  const hits = await found(bt.transaction.search((s) => s.ids().in([small.id])));
  assert.deepEqual(hits.map((hit) => hit.id), [small.id]);
  did("transaction.search", "finds by a list of ids");
});

test("customers are found by person, card and address", async () => {
  const last = unique("Lovelace");
  const { customer } = await bt.customer.create({
    firstName: "Ada",
    lastName: last,
    email: `${last}@example.org`,
    company: "Engines",
    creditCard: {
      number: "4111111111111111",
      expirationDate: "05/2031",
      cardholderName: `A ${last}`,
      billingAddress: { locality: "London", postalCode: "NW1" },
    },
  });
  const own = customer.creditCards[0].token;
  const ids = async (criteria) =>
    (await found(bt.customer.search((s) => (s.lastName().is(last), criteria(s))))).map((hit) => hit.id);
  assert.deepEqual(await ids((s) => (s.email().startsWith(last), s.company().is("Engines"))), [customer.id]);
  did("customer.search", "finds by several texts of the person");
  assert.deepEqual(await ids((s) => s.paymentMethodToken().is(own)), [customer.id]);
  did("customer.search", "finds by the token of a card");
  assert.deepEqual(await ids((s) => (s.cardholderName().contains(last), s.creditCardNumber().startsWith("4111"))), [customer.id]);
  did("customer.search", "finds by cardholder and the beginning of a number");
  assert.deepEqual(await ids((s) => s.creditCardExpirationDate().is("05/2031")), [customer.id]);
  did("customer.search", "finds by an expiration date");
  assert.deepEqual(await ids((s) => (s.addressLocality().is("London"), s.addressPostalCode().is("NW1"))), [customer.id]);
  did("customer.search", "finds by an address");
  assert.deepEqual(await ids((s) => s.createdAt().max("2001-01-01 00:00")), []);
  did("customer.search", "finds nobody before their time");
});

test("verifications are found by card, state and owner", async () => {
  const holder = unique("holder");
  const { customer } = await bt.customer.create({ id: unique("c"), email: "v@example.org" });
  const make = (nonce) =>
    bt.paymentMethod.create({
      customerId: customer.id,
      paymentMethodNonce: nonce,
      cardholderName: holder,
      options: { verifyCard: true },
    });
  const good = (await make("fake-valid-mastercard-nonce")).paymentMethod.verification;
  const bad = (await make("fake-processor-declined-visa-nonce")).verification;
  const seen = await bt.creditCardVerification.find(bad.id);
  assert.deepEqual([seen.status, seen.processorResponseCode], ["processor_declined", "2000"]);
  did("creditCardVerification.find", "shows a declined one");
  const ids = async (criteria) => (await found(bt.creditCardVerification.search(criteria))).map((hit) => hit.id);
  assert.deepEqual(await ids((s) => s.customerId().is(customer.id)), [good.id]);
  did("creditCardVerification.search", "finds by the owner of the stored card");
  const declined = (s) => (s.id().is(bad.id), s.status().in(["processor_declined"]), s.creditCardCardType().in(["Visa"]));
  assert.deepEqual(await ids(declined), [bad.id]);
  did("creditCardVerification.search", "finds by state and card type");
});

test("a search can be late or empty on order", async () => {
  const order = (kind, more = {}) =>
    control("/faults", { vendor: "braintree", operation: "transaction.search", kind, times: 1, ...more });
  await order("late_index", { seconds: 3600 });
  assert.deepEqual(await sales(() => {}), []);
  did("transaction.search", "is late on order");
  await order("empty");
  assert.deepEqual(await sales(() => {}), []);
  did("transaction.search", "is empty on order");
  assert.deepEqual(await sales((s) => s.orderId().is(small.orderId)), [small.id]);
  did("transaction.search", "is whole again afterwards");
});

test("cards are found by their last month and by a nonce made from them", async () => {
  const { customer } = await bt.customer.create({
    id: unique("c"),
    creditCard: { number: "4111111111111111", expirationDate: "03/2020" },
  });
  const { token } = customer.creditCards[0];
  assert.ok((await found(bt.creditCard.expired())).some((card) => card.token === token));
  did("creditCard.expired", "lists cards whose last month is over");
  const between = await found(bt.creditCard.expiringBetween(new Date(2020, 1, 1), new Date(2020, 2, 1)));
  assert.ok(between.some((card) => card.token === token));
  did("creditCard.expiringBetween", "lists cards that end between two months");
  const { paymentMethodNonce } = await bt.paymentMethodNonce.create(token);
  assert.equal((await bt.creditCard.fromNonce(paymentMethodNonce.nonce)).token, token);
  did("creditCard.fromNonce", "shows the stored card behind a nonce");
  await assert.rejects(bt.creditCard.fromNonce("nothere"), { name: "notFoundError" });
  did("creditCard.fromNonce", "is not found by an unknown nonce");
});
