"use strict";
// Reaches the sandbox that SANDBOX_JSON describes, with the official SDK.

const braintree = require("braintree");

const sandbox = JSON.parse(process.env.SANDBOX_JSON ?? "null");
if (!sandbox?.braintree) {
  throw new Error("SANDBOX_JSON is not set: expected the line that `attio-billing sandbox --json` prints");
}
const own = sandbox.braintree;
const url = new URL(own.base_url);

function gateway(changes = {}) {
  const environment = new braintree.Environment(url.hostname, url.port, own.base_url, false, url.hostname, url.port);
  return new braintree.BraintreeGateway({
    environment,
    merchantId: own.merchant_id,
    publicKey: own.public_key,
    privateKey: own.private_key,
    ...changes,
  });
}

let count = 0;
const unique = (word) => `${word}-${process.pid}-${Date.now().toString(36)}-${(count += 1)}`;

/** A customer with one stored card. */
async function vaulted(bt, nonce = "fake-valid-nonce") {
  const { customer } = await bt.customer.create({ id: unique("c"), firstName: "Ada", email: "ada@example.org" });
  const token = unique("m");
  const made = await bt.paymentMethod.create({ customerId: customer.id, paymentMethodNonce: nonce, token });
  if (!made.success) {
    throw new Error(made.message);
  }
  return { customerId: customer.id, token };
}

/** All hits of a search, by its stream. */
function found(stream) {
  return new Promise((resolve, reject) => {
    const hits = [];
    stream.on("data", (hit) => hits.push(hit));
    stream.on("end", () => resolve(hits));
    stream.on("error", reject);
    stream.resume();
  });
}

module.exports = { braintree, gateway, unique, vaulted, found, own };
