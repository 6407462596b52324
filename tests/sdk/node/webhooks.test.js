"use strict";
// Webhooks that Braintree's own SDK signs, delivered to the running service that SERVICE_JSON describes.

const { test } = require("node:test");
const assert = require("node:assert/strict");
const { braintree, gateway, unique } = require("./sandbox");

const service = JSON.parse(process.env.SERVICE_JSON ?? "null");
const skip = service ? false : "SERVICE_JSON is not set: expected the line that `attio-billing serve --json` prints";

const { Kind } = braintree.WebhookNotification;

async function deliver(fields) {
  const body = new URLSearchParams(fields);
  return (await fetch(`${service.url}/webhooks/braintree`, { method: "POST", body })).status;
}

async function ask(path) {
  const answer = await fetch(`${service.private_url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${service.admin_token}` },
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** The latest delivery, once the service has looked at it. */
async function latest() {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { deliveries } = await ask("/inbox/deliveries?vendor=braintree&limit=1");
    if (deliveries.length > 0 && !["received", "routed"].includes(deliveries[0].state)) {
      return deliveries[0];
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error("the delivery was not looked at within 30 seconds");
}

const kinds = [Kind.SubscriptionChargedSuccessfully, Kind.DisputeOpened, Kind.TransactionSettled, Kind.RefundFailed];
for (const kind of kinds) {
  test(`a ${kind} of nothing is taken, fetched, and recorded as not found`, { skip }, async () => {
    const before = (await ask("/inbox/summary")).braintree;
    const signed = await gateway().webhookTesting.sampleNotification(kind, unique("none"));
    assert.equal(await deliver(signed), 200);
    const { state, reason } = await latest();
    assert.equal(state, "ignored");
    assert.match(reason, new RegExp(`^${kind}: not found at Braintree`));
    const after = (await ask("/inbox/summary")).braintree;
    assert.equal(after.received, before.received + 1);
    assert.equal(after.processed, before.processed + 1);
    // The same delivery again is counted, and nothing else.
    assert.equal(await deliver(signed), 200);
    assert.equal((await ask("/inbox/summary")).braintree.duplicate, after.duplicate + 1);
  });
}

test("the test button's delivery is taken", { skip }, async () => {
  const signed = await gateway().webhookTesting.sampleNotification(Kind.Check, unique("check"));
  assert.equal(await deliver(signed), 200);
  assert.equal((await latest()).state, "ignored");
});

test("what another merchant's keys signed is refused", { skip }, async () => {
  const before = (await ask("/inbox/summary")).braintree;
  const stranger = gateway({ publicKey: "stranger", privateKey: "f".repeat(32) });
  const signed = await stranger.webhookTesting.sampleNotification(Kind.DisputeOpened, unique("none"));
  assert.equal(await deliver(signed), 401);
  const after = (await ask("/inbox/summary")).braintree;
  assert.deepEqual({ ...after }, { ...before, rejected: before.rejected + 1 });
});

test("the SDK accepts our answer to a challenge", { skip }, async () => {
  const challenge = "20f9f8ed05f77439fe955c977e4c8a53";
  const answer = await fetch(`${service.url}/webhooks/braintree?bt_challenge=${challenge}`);
  assert.equal(await answer.text(), gateway().webhookNotification.verify(challenge));
});
