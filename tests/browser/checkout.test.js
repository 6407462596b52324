import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, PHONE, VISA, agree, field, open, openBrowser, preview, recorded, stage, text, typeCard, until } from "./browser.js";

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser?.close());

test("the price stands before the card fields, also without JavaScript", async () => {
  const { page, status, close } = await open(browser, "quoted", { script: false });
  assert.equal(status, 200);
  const order = await text(page, ".order");
  for (const part of ["€583.10", "€93.10", "€642.60", "21 December 2026"]) assert.ok(order.includes(part), order);
  assert.match(await page.content(), /needs JavaScript/);
  const html = await page.content();
  assert.ok(html.indexOf("€583.10") < html.indexOf('id="card-number"'));
  await close();
});

test("a test card that is typed into the frames is submitted as a nonce and never as a number", async () => {
  const { page, token, complaints, sent, close } = await open(browser, "quoted");
  await typeCard(page);
  await agree(page);
  await page.click("button");
  await stage(page, "confirming");
  assert.match(await text(page, ".notice"), /You may close this page/);
  await stage(page, "paid");
  assert.match(await text(page, ".notice"), /€583\.10[\s\S]*Visa •••• 4242[\s\S]*act-7f3c-2026/);
  const [submission, ...more] = await recorded(token);
  assert.equal(more.length, 0);
  assert.ok(submission.nonce.length > 8);
  assert.equal(submission.quote_hash, "9f2c4be1a0");
  assert.equal(submission.consent_version, "2026-01");
  assert.equal(submission.ip, "127.0.0.1");
  const everything = JSON.stringify([submission, sent, await page.content()]);
  assert.ok(!everything.includes(VISA) && !everything.includes("4111 1111"), "the host page saw the number");
  assert.deepEqual(complaints, []);
  await close();
});

test("the host page cannot reach into a field", async () => {
  const { page, close } = await open(browser, "quoted");
  await field(page, "number");
  const reached = await page.evaluate(() => {
    try {
      return document.querySelector("iframe").contentWindow.document !== null;
    } catch {
      return false;
    }
  });
  assert.equal(reached, false);
  await close();
});

test("empty fields say what to enter and nothing is sent", async () => {
  const { page, token, complaints, close } = await open(browser, "quoted");
  await field(page, "cvv");
  await agree(page);
  await page.click("button");
  await until(page, "#card-number-error", "Enter the card number");
  await until(page, "#card-expiration-error", "month and year");
  await until(page, "#card-cvv-error", "security code");
  assert.deepEqual(await recorded(token), []);
  assert.deepEqual(complaints, []);
  await close();
});

test("a mistyped number is named at its field and can be put right", async () => {
  const { page, token, close } = await open(browser, "quoted");
  await typeCard(page, { number: "4111111111111112" });
  await agree(page);
  await until(page, "#card-number-error", "typing error");
  await page.click("button");
  assert.ok(await page.$eval("#card-number", (box) => box.classList.contains("wrong")));
  const input = await field(page, "number");
  await input.press("End");
  await input.press("Backspace");
  await input.type("1");
  await page.waitForFunction(() => document.getElementById("card-number-error").innerText === "");
  await page.click("button");
  await stage(page, "paid");
  assert.equal((await recorded(token)).length, 1);
  await close();
});

test("a card that the vendor refuses is explained without a submission", async () => {
  const { page, token, close } = await open(browser, "quoted");
  // Right by its check digit, but none of the test cards.
  await typeCard(page, { number: "4242424242424242" });
  await agree(page);
  await page.click("button");
  await until(page, "#form-error", "not accepted as entered");
  assert.deepEqual(await recorded(token), []);
  assert.equal(await text(page, "button"), "Pay €583.10");
  await close();
});

test("without consent nothing is sent, and the box is named", async () => {
  const { page, token, close } = await open(browser, "quoted");
  await typeCard(page);
  await page.click("button");
  await until(page, "#consent-error", "tick the box");
  assert.equal(await page.evaluate(() => document.activeElement.id), "consent");
  assert.deepEqual(await recorded(token), []);
  await close();
});

test("a double click submits once", async () => {
  const { page, token, close } = await open(browser, "quoted");
  await typeCard(page);
  await agree(page);
  await page.evaluate(() => {
    const button = document.querySelector("button");
    button.click();
    button.click();
    document.getElementById("pay").requestSubmit();
  });
  await stage(page, "confirming");
  await stage(page, "paid");
  assert.equal((await recorded(token)).length, 1);
  await close();
});

test("Enter in a card field submits the form", async () => {
  const { page, close } = await open(browser, "quoted");
  await agree(page);
  await typeCard(page);
  await (await field(page, "cvv")).press("Enter");
  await stage(page, "confirming");
  await close();
});

test("the keyboard alone is enough", async () => {
  const { page, token, close } = await open(browser, "quoted");
  await field(page, "cvv");
  await page.focus("#consent");
  await page.keyboard.press("Space");
  for (const value of [VISA, "1230", "123"]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(value);
  }
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await stage(page, "confirming");
  assert.equal((await recorded(token)).length, 1);
  await close();
});

test("a card on file is paid with without any card field", async () => {
  const { page, token, complaints, close } = await open(browser, "cards");
  assert.equal(await page.$eval("#card-fields", (box) => box.hidden), true);
  await agree(page);
  await page.click("button");
  await stage(page, "confirming");
  const [submission] = await recorded(token);
  assert.equal(submission.card_on_file, "pm-1");
  assert.equal(submission.nonce, null);
  assert.deepEqual(complaints, []);
  await close();
});

test("another card than the one on file can be entered", async () => {
  const { page, token, close } = await open(browser, "cards");
  await page.click('input[name=card][value=""]');
  await typeCard(page);
  await agree(page);
  await page.click("button");
  await stage(page, "confirming");
  assert.ok((await recorded(token))[0].nonce);
  await close();
});

test("a decline says what to do, and the next try is possible at once", async () => {
  const { page, token, complaints, close } = await open(browser, "declines");
  for (const times of [1, 2]) {
    await typeCard(page);
    await agree(page);
    await page.click("button");
    await page.waitForFunction(() => document.querySelector(".notice.bad") && !document.querySelector("button").disabled);
    assert.match(await text(page, ".notice"), /nothing was charged[\s\S]*another card/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "notice");
    assert.equal((await recorded(token)).length, times);
    await page.evaluate(() => document.querySelector(".notice").remove());
  }
  assert.deepEqual(complaints, []);
  await close();
});

test("an answer that is lost leads to the server's state, not to a failure", async () => {
  const { page, token, close } = await open(browser, "quoted");
  await typeCard(page);
  await agree(page);
  // The submission arrives, its answer does not.
  await page.evaluate(() => {
    const real = window.fetch;
    window.fetch = async (url, options) => {
      const answer = await real(url, options);
      if (options?.method === "POST") throw new TypeError("the connection was lost");
      return answer;
    };
  });
  await page.click("button");
  await stage(page, "confirming");
  await stage(page, "paid");
  assert.equal((await recorded(token)).length, 1);
  await close();
});

test("links that lead nowhere are friendly and ask for no card", async () => {
  for (const [name, wanted, heading] of [
    ["expired", 410, "This link has expired"],
    ["revoked", 410, "This link is no longer valid"],
    ["nonsense", 404, "This link does not work"],
    ["unavailable", 503, "We cannot show this page right now"],
  ]) {
    const { page, status, close } = await open(browser, name);
    assert.equal(status, wanted, name);
    assert.equal(await text(page, "h1"), heading);
    assert.equal(await page.$("#pay"), null);
    assert.match(await text(page, "footer"), /billing@northwind\.example/);
    await close();
  }
});

test("German is spoken to whom it is wanted by, with German amounts", async () => {
  const { page, complaints, close } = await open(browser, "german", { language: "en" });
  assert.equal(await page.$eval("html", (html) => html.lang), "de");
  assert.equal(await text(page, "button"), "583,10\u00a0€ bezahlen");
  await field(page, "number");
  await page.click("button");
  await until(page, "#consent-error", "Häkchen");
  assert.deepEqual(complaints, []);
  await close();
});

test("every state fits a phone and a desktop, moves nothing while it loads, and breaks no policy", async () => {
  for (const name of preview.views) {
    for (const viewport of [PHONE, DESKTOP]) {
      const { page, complaints, status, close } = await open(browser, name, { viewport });
      if ((await page.$("#pay")) && name !== "cards") await field(page, "cvv");
      const { wide, shift, violations } = await page.evaluate(async () => {
        const shifts = [];
        const observer = new PerformanceObserver((list) => shifts.push(...list.getEntries()));
        observer.observe({ type: "layout-shift", buffered: true });
        await new Promise((resolve) => requestIdleCallback(resolve));
        shifts.push(...observer.takeRecords());
        return {
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          shift: shifts.reduce((sum, entry) => sum + entry.value, 0),
          violations: [...document.querySelectorAll("[style]")].filter((element) => element.tagName !== "IFRAME").length,
        };
      });
      assert.ok(wide <= 0, `${name} at ${viewport.width}: ${wide} px too wide`);
      assert.ok(shift < 0.01, `${name} at ${viewport.width}: the layout shifted by ${shift}`);
      assert.equal(violations, 0, `${name}: an inline style`);
      // Chromium itself writes a line for a document whose status is 4xx.
      assert.deepEqual(status < 400 ? complaints : [], [], `${name} at ${viewport.width}`);
      await close();
    }
  }
});

test("every control has a name for screen readers", async () => {
  const { page, close } = await open(browser, "cards");
  await page.click('input[name=card][value=""]');
  await field(page, "cvv");
  const tree = await page.accessibility.snapshot({ interestingOnly: true });
  const controls = [];
  const walk = (node) => {
    if (["checkbox", "radio", "button", "link", "textbox"].includes(node.role)) controls.push(node);
    (node.children ?? []).forEach(walk);
  };
  walk(tree);
  assert.ok(controls.length >= 6);
  assert.deepEqual(controls.filter((node) => !node.name), []);
  const titles = await page.$$eval("iframe", (frames) => frames.map((frame) => frame.title));
  assert.deepEqual(titles.map((title) => title.split(",")[0]), ["Card number", "Expiry date", "Security code"]);
  assert.equal(await page.$eval("#live", (live) => live.getAttribute("aria-live")), "polite");
  await close();
});
