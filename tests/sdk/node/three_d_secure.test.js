"use strict";
const { test } = require("node:test");
const assert = require("node:assert/strict");
const { gateway, unique, vaulted } = require("./sandbox");

const bt = gateway();

/** What the browser's script does with a nonce: the nonce that the issuer let pass, or not. */
async function lookUp(nonce, amount) {
  const { clientToken } = await bt.clientToken.generate({});
  const { clientApiUrl, authorizationFingerprint } = JSON.parse(Buffer.from(clientToken, "base64").toString());
  const answer = await fetch(`${clientApiUrl}/v1/payment_methods/${nonce}/three_d_secure/lookup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ authorizationFingerprint, amount }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).paymentMethod.nonce;
}

test("a nonce shows who was authenticated, and a sale repeats it", async () => {
  const { token } = await vaulted(bt);
  const { paymentMethodNonce } = await bt.paymentMethodNonce.create(token, {});
  assert.ok(!paymentMethodNonce.threeDSecureInfo);
  const nonce = await lookUp(paymentMethodNonce.nonce, "8.00");
  const found = await bt.paymentMethodNonce.find(nonce);
  assert.deepEqual(
    [found.threeDSecureInfo.status, found.threeDSecureInfo.enrolled, found.threeDSecureInfo.liabilityShifted, found.consumed],
    ["authenticate_successful", "Y", true, false],
  );
  assert.equal((await bt.paymentMethodNonce.find(paymentMethodNonce.nonce)).consumed, true);
  const sale = { paymentMethodNonce: nonce, orderId: unique("o"), options: { threeDSecure: { required: true } } };
  const other = await bt.transaction.sale({ ...sale, amount: "9.00" });
  assert.deepEqual(other.errors.for("transaction").on("amount").map((e) => e.code), ["91585"]);
  const { success, transaction } = await bt.transaction.sale({ ...sale, amount: "8.00" });
  assert.equal(success, true);
  assert.equal(transaction.creditCard.token, token);
  const { threeDSecureInfo } = transaction;
  assert.deepEqual([threeDSecureInfo.liabilityShiftPossible, threeDSecureInfo.eciFlag, threeDSecureInfo.threeDSecureVersion], [true, "05", "2.2.0"]);
  assert.deepEqual([threeDSecureInfo.dsTransactionId, threeDSecureInfo.cavv], [found.threeDSecureInfo.dsTransactionId, found.threeDSecureInfo.cavv]);
});

test("where 3-D Secure is required, a sale without it is rejected", async () => {
  const sale = { amount: "8.00", orderId: unique("o"), options: { threeDSecure: { required: true } } };
  for (const paymentMethodNonce of ["fake-valid-nonce", "fake-three-d-secure-visa-failed-authentication-nonce"]) {
    const { success, transaction } = await bt.transaction.sale({ ...sale, paymentMethodNonce });
    assert.deepEqual([success, transaction.status, transaction.gatewayRejectionReason], [false, "gateway_rejected", "three_d_secure"]);
  }
});

test("a decline that asks for the cardholder is lifted by an authentication", async () => {
  const { transaction } = await bt.transaction.sale({ amount: "2099.00", orderId: unique("o"), paymentMethodNonce: "fake-valid-nonce" });
  assert.deepEqual([transaction.processorResponseCode, transaction.processorResponseType], ["2099", "soft_declined"]);
  const nonce = await lookUp("fake-valid-nonce", "2099.00");
  const again = await bt.transaction.sale({ amount: "2099.00", orderId: unique("o"), paymentMethodNonce: nonce });
  assert.equal(again.success, true);
});
