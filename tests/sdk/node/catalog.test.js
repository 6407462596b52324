"use strict";
// Plans, add-ons and discounts.

const { test } = require("node:test");
const assert = require("node:assert/strict");
const { did, gateway, staff, unique } = require("./sandbox");

const bt = gateway();

test("a plan is made, found, changed and listed with what it hands down", async () => {
  const [id, addOn] = [unique("plan"), unique("seat")];
  await staff("create_add_on", { id: addOn, amount: "5.00", name: "Seat" });
  const { success, plan } = await bt.plan.create({
    id,
    name: "Pro",
    price: "49.00",
    currencyIsoCode: "EUR",
    billingFrequency: 1,
    addOns: { add: [{ inheritedFromId: addOn }] },
  });
  assert.equal(success, true);
  assert.deepEqual([plan.id, plan.price, plan.currencyIsoCode, plan.billingFrequency], [id, "49.00", "EUR", 1]);
  assert.deepEqual(plan.addOns.map((a) => [a.id, a.amount, a.kind]), [[addOn, "5.00", "add_on"]]);
  did("plan.create", "takes up an add-on of the catalogue");
  assert.equal((await bt.plan.find(id)).name, "Pro");
  did("plan.find", "shows it by its id");
  const changed = await bt.plan.update(id, { price: "59.00" });
  assert.deepEqual([changed.plan.price, changed.plan.name], ["59.00", "Pro"]);
  did("plan.update", "replaces only what was sent");
  const listed = (await bt.plan.all()).plans.find((one) => one.id === id);
  assert.equal(listed.price, "59.00");
  did("plan.all", "lists every plan");
});

test("a plan without a price is refused, and one that is not there is not found", async () => {
  const refused = await bt.plan.create({ name: "Free", currencyIsoCode: "EUR", billingFrequency: 1 });
  assert.equal(refused.success, false);
  did("plan.create", "refuses a plan without a price");
  await assert.rejects(bt.plan.find("nothere"), { name: "notFoundError" });
  did("plan.find", "is not found by an unknown id");
});

test("add-ons and discounts are listed apart", async () => {
  const [addOn, discount] = [unique("a"), unique("d")];
  await staff("create_add_on", { id: addOn, amount: "2.50" });
  await staff("create_discount", { id: discount, amount: "1.50", number_of_billing_cycles: 3 });
  const { addOns } = await bt.addOn.all();
  assert.equal(addOns.find((one) => one.id === addOn).neverExpires, true);
  assert.ok(!addOns.some((one) => one.id === discount));
  did("addOn.all", "lists add-ons and nothing else");
  const { discounts } = await bt.discount.all();
  const own = discounts.find((one) => one.id === discount);
  assert.deepEqual([own.amount, own.numberOfBillingCycles, own.kind], ["1.50", 3, "discount"]);
  did("discount.all", "lists discounts with their number of cycles");
});
