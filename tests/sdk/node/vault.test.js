"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { did, gateway, unique, vaulted, found, own } = require("./sandbox");

const bt = gateway();

test("a customer is created with a chosen id, found, changed, searched and deleted", async () => {
  const id = unique("c");
  const made = await bt.customer.create({ id, firstName: "Ada", lastName: "L & <M>", email: "ada@example.org" });
  assert.equal(made.success, true);
  assert.equal(made.customer.id, id);
  const seen = await bt.customer.find(id);
  assert.equal(seen.lastName, "L & <M>");
  assert.deepEqual(seen.paymentMethods, []);
  const changed = await bt.customer.update(id, { company: "Ünïcode GmbH" });
  assert.equal(changed.customer.company, "Ünïcode GmbH");
  assert.equal(changed.customer.firstName, "Ada");
  const hits = await found(bt.customer.search((search) => search.id().is(id)));
  assert.deepEqual(hits.map((hit) => hit.id), [id]);
  await bt.customer.delete(id);
  await assert.rejects(bt.customer.find(id), { name: "notFoundError" });
  await assert.rejects(bt.customer.delete(id), { name: "notFoundError" });
  did("customer.create", "takes a chosen id");
  did("customer.update", "replaces only what was sent");
  did("customer.search", "finds by an id");
  did("customer.find", "is not found after it was deleted");
  did("customer.delete", "is not found a second time");
});

test("a second customer with the same id is error 91609", async () => {
  const id = unique("c");
  await bt.customer.create({ id });
  const again = await bt.customer.create({ id });
  assert.equal(again.success, false);
  assert.deepEqual(again.errors.for("customer").on("id").map((e) => e.code), ["91609"]);
  assert.deepEqual(again.errors.deepErrors().map((e) => e.attribute), ["id"]);
  did("customer.create", "refuses an id that is taken");
});

test("a card is vaulted with our token, found, made default, changed and deleted", async () => {
  const { customerId, token } = await vaulted(bt);
  const card = await bt.paymentMethod.find(token);
  assert.equal(card.constructor.name, "CreditCard");
  assert.deepEqual([card.token, card.last4, card.cardType, card.default], [token, "1881", "Visa", true]);
  const second = unique("m");
  const made = await bt.paymentMethod.create({
    customerId,
    paymentMethodNonce: "fake-valid-mastercard-nonce",
    token: second,
    options: { makeDefault: true, verifyCard: true },
  });
  assert.equal(made.paymentMethod.default, true);
  assert.equal(made.paymentMethod.verification.status, "verified");
  assert.equal((await bt.paymentMethod.find(token)).default, false);
  const changed = await bt.paymentMethod.update(token, { cardholderName: "Ada L", expirationDate: "01/2031" });
  assert.equal(changed.paymentMethod.expirationDate, "01/2031");
  assert.equal((await bt.customer.find(customerId)).paymentMethods.length, 2);
  await bt.paymentMethod.delete(second);
  await assert.rejects(bt.paymentMethod.find(second), { name: "notFoundError" });
  assert.equal((await bt.paymentMethod.find(token)).default, true);
  did("paymentMethod.create", "verifies a card and makes it the default");
  did("paymentMethod.update", "changes name and expiration");
  did("paymentMethod.delete", "hands the default on");
  did("paymentMethod.find", "shows which card is the default");
});

test("faults of a vaulting have the gateway's codes and places", async () => {
  const { customerId, token } = await vaulted(bt);
  const code = async (request, object, attribute) => {
    const { success, errors } = await bt.paymentMethod.create(request);
    assert.equal(success, false);
    return errors.for(object).on(attribute).map((e) => e.code);
  };
  const nonce = { paymentMethodNonce: "fake-valid-nonce" };
  assert.deepEqual(await code({ customerId, ...nonce, token }, "creditCard", "token"), ["91719"]);
  assert.deepEqual(await code({ customerId, ...nonce, token: "a b" }, "creditCard", "token"), ["91718"]);
  const options = { failOnDuplicatePaymentMethodForCustomer: true };
  assert.deepEqual(await code({ customerId, ...nonce, options }, "creditCard", "number"), ["81763"]);
  assert.deepEqual(await code({ customerId }, "paymentMethod", "paymentMethodNonce"), ["93103"]);
  const consumed = { customerId, paymentMethodNonce: "fake-consumed-nonce" };
  assert.deepEqual(await code(consumed, "paymentMethod", "paymentMethodNonce"), ["93107"]);
  assert.deepEqual(await code({ customerId: "nobody", ...nonce }, "paymentMethod", "customerId"), ["93105"]);
});

test("a declined verification stores nothing and shows itself", async () => {
  const { customer } = await bt.customer.create({ id: unique("c") });
  const token = unique("m");
  const made = await bt.paymentMethod.create({
    customerId: customer.id,
    paymentMethodNonce: "fake-processor-declined-visa-nonce",
    token,
    options: { verifyCard: true },
  });
  assert.equal(made.success, false);
  assert.equal(made.message, "Do Not Honor");
  assert.deepEqual(made.errors.deepErrors(), []);
  assert.equal(made.verification.status, "processor_declined");
  assert.equal(made.verification.processorResponseCode, "2000");
  await assert.rejects(bt.paymentMethod.find(token), { name: "notFoundError" });
  assert.equal((await bt.creditCardVerification.find(made.verification.id)).status, "processor_declined");
});

test("the same card has the same unique number identifier", async () => {
  const [a, b] = [await vaulted(bt), await vaulted(bt)];
  const [one, two] = await Promise.all([a, b].map(({ token }) => bt.paymentMethod.find(token)));
  assert.equal(one.uniqueNumberIdentifier, two.uniqueNumberIdentifier);
  assert.notEqual(one.token, two.token);
});

test("a nonce of a stored card charges that card, once", async () => {
  const { token } = await vaulted(bt);
  const { paymentMethodNonce } = await bt.paymentMethodNonce.create(token, {});
  assert.equal((await bt.paymentMethodNonce.find(paymentMethodNonce.nonce)).details.lastFour, "1881");
  const sold = await bt.transaction.sale({ amount: "5.00", paymentMethodNonce: paymentMethodNonce.nonce, orderId: unique("o") });
  assert.equal(sold.transaction.creditCard.token, token);
  const again = await bt.transaction.sale({ amount: "5.00", paymentMethodNonce: paymentMethodNonce.nonce });
  assert.deepEqual(again.errors.for("transaction").on("paymentMethodNonce").map((e) => e.code), ["91564"]);
});

test("a client token opens the browser's tokenize call", async () => {
  const { customerId } = await vaulted(bt);
  const { success, clientToken } = await bt.clientToken.generate({ customerId });
  assert.equal(success, true);
  const inside = JSON.parse(Buffer.from(clientToken, "base64").toString());
  assert.equal(inside.merchantId, own.merchant_id);
  const configuration = await fetch(`${inside.configUrl}?authorization_fingerprint=${inside.authorizationFingerprint}`);
  assert.equal(configuration.status, 200);
  const answer = await fetch(`${inside.clientApiUrl}/v1/payment_methods/credit_cards`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      authorizationFingerprint: inside.authorizationFingerprint,
      creditCard: { number: "4111111111111111", expirationDate: "12/2030" },
    }),
  });
  assert.equal(answer.status, 202);
  const [{ nonce }] = (await answer.json()).creditCards;
  const sold = await bt.transaction.sale({ amount: "7.00", paymentMethodNonce: nonce, orderId: unique("o") });
  assert.equal(sold.transaction.creditCard.last4, "1111");
  assert.equal((await bt.clientToken.generate({ customerId: "nobody" })).success, false);
});

test("wrong keys, a wrong merchant and an unknown field are the SDK's own errors", async () => {
  await assert.rejects(gateway({ privateKey: "wrong" }).customer.find("x"), { name: "authenticationError" });
  await assert.rejects(gateway({ merchantId: "wrong" }).customer.find("x"), { name: "authenticationError" });
  await assert.rejects(bt.customer.update((await vaulted(bt)).customerId, { nonsense: "x" }), { name: "authorizationError" });
});
