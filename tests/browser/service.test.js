import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, VISA, agree, openBrowser, picture, stage, text, typeCard, until as untilText, visit } from "./browser.js";
import { books, fault, invite, newCompany, shown, transactions, until } from "./service.js";

const MASTERCARD = "5555555555554444";
// Test cards of 3-D Secure: the bank lets it pass, or asks.
const PASSES = "4000000000001000";
const ASKS = "4000000000001091";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

async function invited(name) {
  const company = await newCompany(name);
  return { company, ...(await invite(company)) };
}

async function pay(page, card) {
  await typeCard(page, card);
  await agree(page);
  await page.click("button");
}

// One capture of that amount, recorded once, nothing owed; and Attio says so.
async function isPaidOnce(record, minor, tries = 1) {
  await until("an active subscription in Attio", async () => (await shown(record)).subscription_status === "Active");
  assert.equal((await shown(record)).payment_status, "Paid");
  const all = await transactions(record);
  assert.equal(all.length, tries, JSON.stringify(all));
  const taken = all.filter((t) => t.status === "submitted_for_settlement");
  assert.deepEqual(taken.map((t) => t.amount_minor), [minor]);
  const { invoices } = (await books()).zoho;
  const paid = invoices.filter((i) => i.payments.some((p) => p.reference_number === taken[0].id));
  assert.deepEqual(paid.map((i) => [i.balance, i.payments.map((p) => p.amount)]), [[0, [minor]]]);
  return taken[0];
}

async function fits(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
  await picture(page, `service-${name}`);
}

test("a card that is typed in pays, and later pays for another product without being typed", async () => {
  const { company, record, url } = await invited("Northwind");
  const { page, complaints, sent, close } = await visit(browser, url);
  assert.match(await text(page, ".order"), /€49\.00/);
  await pay(page);
  await stage(page, "paid");
  assert.match(await text(page, ".notice"), /€49\.00[\s\S]*Visa •••• 1111[\s\S]*INV-\d+/);
  const first = await isPaidOnce(record, 4900);
  assert.ok(!JSON.stringify([sent, await page.content()]).includes(VISA), "the host page saw the number");
  assert.deepEqual(complaints, []);
  await close();

  const further = await invite(company, "archive-monthly");
  const again = await visit(browser, further.url);
  assert.match(await text(again.page, ".cards"), /Visa •••• 1111/);
  await agree(again.page);
  await again.page.click("button");
  await stage(again.page, "paid");
  assert.equal((await isPaidOnce(further.record, 3000)).token, first.token);
  assert.deepEqual(again.complaints, []);
  await again.close();
});

test("a bank that takes its time is waited for: confirming, then paid, and charged once", async () => {
  const { record, url } = await invited("Slow Bank");
  const { page, complaints, close } = await visit(browser, url);
  // Longer than a submission waits for its outcome.
  await fault({ vendor: "braintree", operation: "transaction.sale", kind: "latency", ms: 10500 });
  await pay(page);
  await stage(page, "confirming");
  assert.match(await text(page, ".notice"), /You may close this page/);
  await stage(page, "paid");
  await isPaidOnce(record, 4900);
  assert.deepEqual(complaints, []);
  await close();
});

test("a declined card is told neutrally and another one pays", async () => {
  const { record, url } = await invited("Second Card");
  const { page, complaints, close } = await visit(browser, url);
  await fault({ vendor: "braintree", operation: "transaction.sale", kind: "decline", code: "2001" });
  await pay(page);
  await stage(page, "declined");
  assert.match(await text(page, ".notice"), /nothing was charged[\s\S]*another card/);
  assert.doesNotMatch(await page.content(), /insufficient|2001/i);
  await pay(page, { number: MASTERCARD });
  await stage(page, "paid");
  await isPaidOnce(record, 4900, 2);
  assert.deepEqual(complaints, []);
  await close();
});

const bankWants3dSecure = () => fault({ vendor: "braintree", operation: "transaction.sale", kind: "decline", code: "2099" });

// What the customer does in the bank's window.
async function answerBank(page, button) {
  const frame = await (await page.waitForSelector("#Cardinal-CCA-IFrame", { timeout: 15000 })).contentFrame();
  await frame.waitForSelector("#buttons:not([hidden])", { timeout: 15000 });
  assert.match(await frame.$eval("#question", (element) => element.textContent), /EUR 49\.00/);
  await frame.click(button);
}

test("a bank that wants 3-D Secure and then lets it pass is not seen at all", async () => {
  const { record, url } = await invited("Passes");
  const { page, complaints, sent, close } = await visit(browser, url);
  await bankWants3dSecure();
  await pay(page, { number: PASSES });
  await stage(page, "needs_authentication");
  assert.match(await text(page, ".notice"), /confirm this payment, and nothing was charged/);
  await pay(page, { number: PASSES });
  await stage(page, "paid");
  await isPaidOnce(record, 4900, 2);
  assert.ok(!(await page.content()).includes("@example.org"), "the address stands on no page");
  assert.ok(!JSON.stringify(sent).includes(PASSES), "the host page saw the number");
  assert.deepEqual(complaints, []);
  await close();
});

test("a bank that asks is answered on the page, also on a phone", async () => {
  const { record, url } = await invited("Asks");
  const { page, complaints, close } = await visit(browser, url, { viewport: PHONE });
  await bankWants3dSecure();
  await pay(page, { number: ASKS });
  await stage(page, "needs_authentication");
  await fits(page, "authentication-phone");
  await pay(page, { number: ASKS });
  await untilText(page, "#live", "Follow what it says in the window");
  await page.waitForSelector("#Cardinal-CCA-IFrame", { timeout: 15000 });
  await fits(page, "bank-phone");
  await answerBank(page, "#confirm");
  await stage(page, "paid");
  await isPaidOnce(record, 4900, 2);
  assert.deepEqual(complaints, []);
  await close();
});

test("a bank that is refused or closed takes nothing, is told apart, and may be asked again", async () => {
  const { record, url } = await invited("Thinks Again");
  const { page, complaints, close } = await visit(browser, url);
  await bankWants3dSecure();
  await pay(page, { number: ASKS });
  await stage(page, "needs_authentication");
  await typeCard(page, { number: ASKS });
  await agree(page);
  for (const [button, said] of [["#refuse", "could not confirm that it is you"], ["#close", "window was closed"]]) {
    await page.click("form button");
    await answerBank(page, button);
    await untilText(page, "#form-error", said);
    assert.equal(await page.evaluate(() => document.activeElement.type), "submit", "the keyboard can go on");
    assert.equal((await transactions(record)).length, 1, "nothing was sent");
  }
  await page.keyboard.press("Enter");
  await answerBank(page, "#confirm");
  await stage(page, "paid");
  await isPaidOnce(record, 4900, 2);
  assert.deepEqual(complaints, []);
  await close();
});

test("a card on file is authenticated without being typed", async () => {
  const { company, url } = await invited("Regular");
  const first = await visit(browser, url);
  await pay(first.page);
  await stage(first.page, "paid");
  await first.close();
  const further = await invite(company, "archive-monthly");
  const { page, complaints, close } = await visit(browser, further.url);
  await bankWants3dSecure();
  await agree(page);
  await page.click("form button");
  await stage(page, "needs_authentication");
  assert.equal(await page.$eval("#card-fields", (box) => box.hidden), true);
  await agree(page);
  await page.click("form button");
  await stage(page, "paid");
  await isPaidOnce(further.record, 3000, 2);
  assert.deepEqual(complaints, []);
  await close();
});

test("a double click pays once", async () => {
  const { record, url } = await invited("Double Click");
  const { page, close } = await visit(browser, url);
  await typeCard(page);
  await agree(page);
  await page.evaluate(() => {
    const button = document.querySelector("button");
    button.click();
    button.click();
    document.getElementById("pay").requestSubmit();
  });
  await stage(page, "paid");
  await isPaidOnce(record, 4900);
  await close();
});

test("of two tabs the first one pays and both show it", async () => {
  const { record, url } = await invited("Two Tabs");
  const [one, other] = [await visit(browser, url), await visit(browser, url)];
  for (const [tab, number] of [[one, VISA], [other, MASTERCARD]]) {
    await tab.page.bringToFront();
    await typeCard(tab.page, { number });
    await agree(tab.page);
  }
  await fault({ vendor: "braintree", operation: "transaction.sale", kind: "latency", ms: 1500 });
  await other.page.bringToFront();
  await other.page.click("button");
  await until("the hold to be asked for", async () => (await shown(record)).saga_id && (await transactions(record)).length > 0);
  await one.page.bringToFront();
  await one.page.click("button");
  for (const tab of [one, other]) {
    await stage(tab.page, "paid");
    assert.match(await text(tab.page, ".notice"), /MasterCard •••• 4444/, "the card of the tab that was first");
  }
  await isPaidOnce(record, 4900);
  await one.close();
  await other.close();
});

test("the way from the price to the receipt fits a phone", async () => {
  const { record, url } = await invited("On The Move");
  const { page, complaints, close } = await visit(browser, url, { viewport: PHONE });
  await typeCard(page);
  await fits(page, "quoted-phone");
  await agree(page);
  await page.click("button");
  await stage(page, "paid");
  await fits(page, "paid-phone");
  await isPaidOnce(record, 4900);
  assert.deepEqual(complaints, []);
  await close();
});
