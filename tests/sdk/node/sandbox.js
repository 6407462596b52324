"use strict";
// Reaches the sandbox that SANDBOX_JSON describes, with the official SDK.

const assert = require("node:assert/strict");
const { appendFileSync } = require("node:fs");
const braintree = require("braintree");

const sandbox = JSON.parse(process.env.SANDBOX_JSON ?? "null");
if (!sandbox?.braintree) {
  throw new Error("SANDBOX_JSON is not set: expected the line that `attio-billing sandbox --json` prints");
}
const own = sandbox.braintree;
const url = new URL(own.base_url);

function gateway(changes = {}) {
  const environment = new braintree.Environment(url.hostname, url.port, own.base_url, false, url.hostname, url.port);
  return watched(
    new braintree.BraintreeGateway({
      environment,
      merchantId: own.merchant_id,
      publicKey: own.public_key,
      privateKey: own.private_key,
      ...changes,
    }),
  );
}

const called = new Set();

/** The SDK as it is, with note taken of which of its methods are called. */
function watched(bt) {
  const area = (name, of) =>
    new Proxy(of, {
      get(target, method) {
        const own = target[method];
        if (typeof own !== "function") {
          return own;
        }
        return (...args) => {
          called.add(`${name}.${method}`);
          return own.apply(target, args);
        };
      },
    });
  return new Proxy(bt, {
    get: (target, name) => (typeof target[name] === "object" ? area(name, target[name]) : target[name]),
  });
}

/**
 * Says what the assertions above have just shown of a gateway method: one operation of the suite. It must have been
 * called since it was last said of it.
 */
function did(method, meaning) {
  assert.ok(called.delete(method), `${method} was not called, so it cannot have been shown that it ${meaning}`);
  if (process.env.OPERATIONS) {
    appendFileSync(process.env.OPERATIONS, `${method}: ${meaning}\n`);
  }
}

/** An order to the sandbox itself: its clock, its faults, its staff. */
async function control(path, body) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(sandbox.control_url + path, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}

/** An act of a person at the gateway's console. */
const staff = (act, fields = {}) => control("/staff", { vendor: "braintree", act, ...fields });

/** The codes of the errors at a place: objects by name, the last name being the attribute's. */
function codes(result, ...path) {
  assert.equal(result.success, false);
  const attribute = path.pop();
  const place = path.reduce((at, name) => (typeof name === "number" ? at.forIndex(name) : at.for(name)), result.errors);
  return (place?.on(attribute) ?? []).map((error) => error.code);
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

module.exports = { braintree, codes, control, did, gateway, unique, vaulted, found, own, sandbox, staff };
