import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, PHONE, VISA, agree, field, open, openBrowser, picture, stage, text, typeCard, visit } from "./browser.js";
import { books, fault, invite, newCompany, shown, staff, until } from "./service.js";

const MASTERCARD = "5555555555554444";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

async function fits(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
  await picture(page, name);
}

// Every state of the page, as the preview scripts them.
const VIEWS = ["card", "card-owed", "card-none", "card-german", "card-declined", "card-authentication", "card-confirming", "card-locked", "card-changed", "card-changed-owed", "card-failed"];

test("every state of the page fits a desktop and a phone, and its policy complains of nothing", async () => {
  for (const [width, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
    for (const name of VIEWS) {
      const { page, complaints, close } = await open(browser, name, { viewport });
      if (await page.$("#pay")) await field(page, "cvv");
      await fits(page, `${name}-${width}`);
      assert.deepEqual(complaints, [], name);
      await close();
    }
  }
});

test("which card is on file stands before the card fields, also without JavaScript", async () => {
  const { page, status, close } = await open(browser, "card-owed", { script: false });
  assert.equal(status, 200);
  const html = await page.content();
  assert.ok(html.indexOf("•••• 4242") < html.indexOf('id="card-number"'));
  assert.ok(html.indexOf("€128.50") < html.indexOf('id="card-number"'));
  assert.match(html, /needs JavaScript/);
  await close();
});

// A customer with an active subscription, paid with a Visa that is on file since.
async function customer(name) {
  const { record, url } = await invite(await newCompany(name));
  const { page, close } = await visit(browser, url);
  await typeCard(page);
  await agree(page);
  await page.click("button");
  await stage(page, "paid");
  await close();
  await until("an active subscription", async () => (await shown(record)).subscription_status === "Active");
  return record;
}

async function invited(record) {
  await until("the old link to be gone", async () => !(await shown(record)).checkout_url);
  await staff("attio", "press", { record_id: record, action: "Send card link" });
  return until("a card link on the record", async () => (await shown(record)).checkout_url);
}

async function give(page, card) {
  await typeCard(page, card);
  await agree(page);
  await page.click("button");
}

const cardsOf = async (record) => {
  const { braintree_customer_id } = await shown(record);
  return (await books()).braintree.payment_methods.filter((m) => m.customer_id === braintree_customer_id);
};

test("another card is typed in, the bank's no is told neutrally, and the next one is charged from then on", async () => {
  const record = await customer("Other Card");
  const url = await invited(record);
  assert.match(url, /\/card\//);
  const { page, complaints, sent, close } = await visit(browser, url, { viewport: PHONE });
  await until("the offer", async () => (await page.$("#pay")) !== null);
  assert.match(await text(page, ".order"), /Visa •••• 1111/);
  await fault({ vendor: "braintree", operation: "payment_method.create", kind: "decline", code: "2001" });
  await give(page);
  await stage(page, "declined");
  assert.match(await text(page, ".notice"), /card on file stays, and nothing was charged/);
  assert.doesNotMatch(await page.content(), /insufficient|2001/i);
  await fits(page, "service-card-declined-phone");
  await give(page, { number: MASTERCARD });
  await stage(page, "changed");
  assert.match(await text(page, ".notice"), /•••• 4444[\s\S]*•••• 1111/);
  await fits(page, "service-card-changed-phone");
  assert.ok(!JSON.stringify([sent, await page.content()]).includes(MASTERCARD), "the host page saw the number");
  assert.ok(!JSON.stringify(sent).includes(VISA));
  const cards = await cardsOf(record);
  assert.deepEqual(cards.map((m) => [m.last_4, m.default]).sort(), [["1111", false], ["4444", true]]);
  assert.deepEqual(complaints, []);
  await close();
});

test("a bank that takes its time is waited for: confirming, then changed, and vaulted once", async () => {
  const record = await customer("Slow Card");
  const { page, complaints, close } = await visit(browser, await invited(record));
  await until("the offer", async () => (await page.$("#pay")) !== null);
  await fault({ vendor: "braintree", operation: "payment_method.create", kind: "latency", ms: 10500 });
  await give(page, { number: MASTERCARD });
  await stage(page, "confirming");
  assert.match(await text(page, ".notice"), /You may close this page/);
  await stage(page, "changed");
  assert.equal((await cardsOf(record)).length, 2);
  assert.deepEqual(complaints, []);
  await close();
});
