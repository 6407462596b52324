"use strict";
// A customer's addresses, and cards that take one up.

const { test } = require("node:test");
const assert = require("node:assert/strict");
const { codes, did, gateway, unique } = require("./sandbox");

const bt = gateway();

test("an address is made, found, changed, used for a card and deleted", async () => {
  const { customer } = await bt.customer.create({ id: unique("c") });
  const made = await bt.address.create({ customerId: customer.id, streetAddress: "1 E Main St", postalCode: "60622" });
  assert.deepEqual([made.success, made.address.customerId, made.address.postalCode], [true, customer.id, "60622"]);
  did("address.create", "belongs to its customer");
  const { id } = made.address;
  assert.equal((await bt.address.find(customer.id, id)).streetAddress, "1 E Main St");
  did("address.find", "shows it");
  const changed = (await bt.address.update(customer.id, id, { locality: "Chicago" })).address;
  assert.deepEqual([changed.locality, changed.postalCode], ["Chicago", "60622"]);
  did("address.update", "replaces only what was sent");
  const card = await bt.paymentMethod.create({
    customerId: customer.id,
    paymentMethodNonce: "fake-valid-nonce",
    billingAddressId: id,
  });
  assert.equal(card.paymentMethod.billingAddress.locality, "Chicago");
  did("paymentMethod.create", "takes an address of the customer up");
  const unknown = await bt.paymentMethod.create({
    customerId: customer.id,
    paymentMethodNonce: "fake-valid-nonce",
    billingAddressId: "nothere",
  });
  assert.deepEqual(codes(unknown, "creditCard", "billingAddressId"), ["91702"]);
  did("paymentMethod.create", "refuses an unknown address");
  await bt.address.delete(customer.id, id);
  await assert.rejects(bt.address.find(customer.id, id), { name: "notFoundError" });
  did("address.delete", "takes it away");
});

test("an empty address, and one with wrong letters, are refused", async () => {
  const { customer } = await bt.customer.create({ id: unique("c") });
  assert.deepEqual(codes(await bt.address.create({ customerId: customer.id }), "address", "base"), ["81801"]);
  did("address.create", "refuses an empty one");
  const odd = await bt.address.create({ customerId: customer.id, postalCode: "$$$", countryCodeAlpha2: "Mars" });
  assert.deepEqual(codes(odd, "address", "postalCode"), ["81813"]);
  assert.deepEqual(codes(odd, "address", "countryCodeAlpha2"), ["91814"]);
  did("address.create", "refuses a postal code and a country that are none");
});
