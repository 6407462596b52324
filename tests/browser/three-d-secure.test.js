import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { openBrowser, visit } from "./browser.js";
import { service } from "./service.js";

const own = service.sandbox.braintree;
const FRAME = "#Cardinal-CCA-IFrame";
const PASSES = "4000000000001000";
const ASKS = "4000000000001091";

async function gateway(path, body) {
  const keys = Buffer.from(`${own.public_key}:${own.private_key}`).toString("base64");
  const headers = { "Content-Type": "application/json", Authorization: `Basic ${keys}` };
  const answer = await fetch(`${own.base_url}/merchants/${own.merchant_id}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.text();
}

const clientToken = async () => /<value>([^<]*)/.exec(await gateway("/client_token", { client_token: { version: 2 } }))[1];

// A page of a shop that loads the simulated Braintree's scripts.
const shop = createServer((request, answer) => {
  answer.setHeader("Content-Type", "text/html");
  const scripts = ["client", "three-d-secure"].map((name) => `<script src="${own.base_url}/braintree-web/${name}.js"></script>`);
  answer.end(request.url === "/" ? `<!doctype html><title>Shop</title><link rel="icon" href="data:,">${scripts.join("")}` : "");
});

let browser;
before(async () => {
  await new Promise((resolve) => shop.listen(0, "127.0.0.1", resolve));
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  shop.close();
});

// The shop with the component made; `number` is a card that its page turned into a nonce.
async function open(number, version = "2") {
  const visited = await visit(browser, `http://127.0.0.1:${shop.address().port}/`);
  const setUp = async (authorization, number, version) => {
    const { braintree } = window;
    const client = await braintree.client.create({ authorization });
    const { gatewayConfiguration, authorizationFingerprint } = client.getConfiguration();
    const creditCard = { number, expirationMonth: "01", expirationYear: "2030" };
    const body = JSON.stringify({ authorizationFingerprint, creditCard });
    const headers = { "Content-Type": "application/json" };
    const made = await fetch(`${gatewayConfiguration.clientApiUrl}/v1/payment_methods/credit_cards`, { method: "POST", headers, body });
    const [{ nonce, details }] = (await made.json()).creditCards;
    window.events = [];
    window.instance = await braintree.threeDSecure.create({ client, version });
    for (const name of ["customer-canceled", "authentication-modal-render", "authentication-modal-close"]) {
      window.instance.on(name, () => window.events.push(name));
    }
    window.card = { nonce, bin: details.bin, amount: "10.00", onLookupComplete: (data, next) => next() };
    window.verify = (more = {}) => {
      window.outcome = null;
      window.instance.verifyCard({ ...window.card, ...more }).then(
        (payload) => Object.assign(window, { outcome: payload }),
        ({ name, type, code }) => Object.assign(window, { outcome: { name, type, code } }),
      );
    };
  };
  await visited.page.evaluate(setUp, await clientToken(), number, version);
  return visited;
}

const verify = (page, more) => page.evaluate((more) => window.verify(more), more);

async function outcome(page) {
  await page.waitForFunction(() => window.outcome, { timeout: 15000 });
  return page.evaluate(() => window.outcome);
}

async function press(page, button) {
  const frame = await (await page.waitForSelector(FRAME, { timeout: 15000 })).contentFrame();
  await frame.waitForSelector("#buttons:not([hidden])", { timeout: 15000 });
  const asked = await frame.$eval("#question", (element) => element.textContent);
  await frame.click(button);
  return asked;
}

async function sale(nonce) {
  const options = { three_d_secure: { required: true } };
  return gateway("/transactions", { transaction: { type: "sale", amount: "10.00", order_id: nonce, payment_method_nonce: nonce, options } });
}

test("a card that its issuer lets pass needs no page of the issuer", async () => {
  const { page, complaints, close } = await open(PASSES);
  await verify(page);
  const { nonce, liabilityShifted, liabilityShiftPossible, threeDSecureInfo, details } = await outcome(page);
  assert.deepEqual([liabilityShifted, liabilityShiftPossible, details.lastFour], [true, true, "1000"]);
  assert.deepEqual([threeDSecureInfo.status, threeDSecureInfo.enrolled], ["authenticate_successful", "Y"]);
  assert.equal(await page.$(FRAME), null);
  assert.match(await sale(nonce), /<status>authorized</);
  assert.deepEqual(complaints, []);
  await close();
});

test("a challenge that is confirmed shifts the liability", async () => {
  const { page, complaints, close } = await open(ASKS);
  await verify(page);
  assert.match(await press(page, "#confirm"), /EUR 10\.00 .* 1091/);
  const { nonce, liabilityShifted } = await outcome(page);
  assert.equal(liabilityShifted, true);
  assert.equal(await page.$(FRAME), null);
  assert.deepEqual(await page.evaluate(() => window.events), ["authentication-modal-render", "authentication-modal-close"]);
  assert.match(await sale(nonce), /<status>authorized</);
  assert.deepEqual(complaints, []);
  await close();
});

test("a challenge that is refused or closed gives a nonce without a shift", async () => {
  for (const [button, canceled] of [["#refuse", false], ["#close", true]]) {
    const { page, close } = await open(ASKS);
    await verify(page);
    await press(page, button);
    const { nonce, liabilityShifted, liabilityShiftPossible, threeDSecureInfo } = await outcome(page);
    assert.deepEqual([liabilityShifted, liabilityShiftPossible, threeDSecureInfo.status], [false, true, "authenticate_failed"]);
    assert.equal((await page.evaluate(() => window.events)).includes("customer-canceled"), canceled);
    assert.match(await sale(nonce), /Gateway Rejected: three_d_secure/);
    await close();
  }
});

test("the shop can ask for a challenge, and place the issuer's page itself", async () => {
  const { page, close } = await open(PASSES, "2-inline-iframe");
  await page.evaluate(() => {
    window.instance.on("authentication-iframe-available", ({ element }, next) => {
      document.body.append(element);
      next();
    });
  });
  await verify(page, { challengeRequested: true });
  await press(page, "#confirm");
  assert.equal((await outcome(page)).liabilityShifted, true);
  assert.equal(await page.$(FRAME), null);
  await close();
});

test("the shop can look at the lookup and call it off", async () => {
  const { page, close } = await open(ASKS);
  const payload = await page.evaluate(async () => {
    const looked = new Promise((resolve) => {
      window.verifying = window.instance.verifyCard({ ...window.card, onLookupComplete: (data) => resolve(data) });
    });
    const { requiresUserAuthentication } = await looked;
    const canceled = await window.instance.cancelVerifyCard();
    const code = await window.verifying.catch((error) => error.code);
    return { requiresUserAuthentication, code, nonce: canceled.nonce, shifted: canceled.liabilityShifted };
  });
  assert.deepEqual([payload.requiresUserAuthentication, payload.shifted], [true, false]);
  assert.equal(payload.code, "THREEDS_VERIFY_CARD_CANCELED_BY_MERCHANT");
  assert.match(payload.nonce, /^tokencc_/);
  await close();
});

test("what is missing or wrong is named as Braintree names it", async () => {
  const { page, close } = await open(PASSES);
  const code = async (more) => {
    await verify(page, more);
    return (await outcome(page)).code;
  };
  for (const missing of ["bin", "nonce", "amount"]) {
    assert.equal(await code({ [missing]: null }), "THREEDS_MISSING_VERIFY_CARD_OPTION", missing);
  }
  const without = () => window.instance.verifyCard({ ...window.card, onLookupComplete: undefined }).catch((error) => error.message);
  assert.match(await page.evaluate(without), /onLookupComplete/);
  assert.equal(await code({ nonce: "nonsense" }), "THREEDS_LOOKUP_TOKENIZED_CARD_NOT_FOUND_ERROR");
  assert.equal(await code({ amount: "-1" }), "THREEDS_LOOKUP_VALIDATION_ERROR");
  const codes = await page.evaluate(async () => {
    const of = (options) => window.braintree.threeDSecure.create(options).catch((error) => error.code);
    const called = new Promise((resolve) => window.braintree.threeDSecure.create({ version: 7 }, (error) => resolve(error.code)));
    const nothing = window.instance.cancelVerifyCard().catch((error) => error.code);
    return [await of({ authorization: "sandbox_abc_merchant", version: 2 }), await of({ version: 1 }), await called, await nothing];
  });
  assert.deepEqual(codes, [
    "THREEDS_CAN_NOT_USE_TOKENIZATION_KEY",
    "THREEDS_UNSUPPORTED_VERSION",
    "THREEDS_UNRECOGNIZED_VERSION",
    "THREEDS_NO_VERIFICATION_PAYLOAD",
  ]);
  const afterwards = () => window.instance.teardown().then(() => window.instance.verifyCard(window.card)).catch((error) => error.code);
  assert.equal(await page.evaluate(afterwards), "METHOD_CALLED_AFTER_TEARDOWN");
  await close();
});
