// A browser for the tests: pages that note every complaint, and hands that type into the vendor's frames.
import { launch } from "puppeteer-core";

export const preview = JSON.parse(process.env.PREVIEW_JSON);

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };
export const VISA = "4111111111111111";

export async function openBrowser() {
  // Chromium's own sandbox does not start for root, as which CI runs; nothing foreign is loaded here.
  const args = ["--no-proxy-server", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])];
  return launch({ executablePath: process.env.CHROMIUM, headless: true, args });
}

// A page of the preview on a link of its own, which shows the view of that name.
export async function open(browser, name, options) {
  const token = `demo-${name}.${Math.random().toString(36).slice(2)}`;
  return { token, ...(await visit(browser, `${preview.page_url}/checkout/${token}`, options)) };
}

// A page in a browser of its own. `complaints` has what the console, the network or the content policy objected to;
// `sent` every request body to the page's own origin.
export async function visit(browser, url, { viewport = DESKTOP, language = "en", script = true, scheme = "light" } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const complaints = [];
  const sent = [];
  const dialogs = (message) => complaints.push(message);
  page.on("console", (message) => ["error", "warn", "assert"].includes(message.type()) && dialogs(message.text()));
  page.on("pageerror", (error) => dialogs(String(error)));
  page.on("requestfailed", (request) => dialogs(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin === new URL(url).origin) sent.push({ method: request.method(), url: request.url(), body: request.postData() ?? "" });
  });
  await page.setViewport(viewport);
  await page.setExtraHTTPHeaders({ "Accept-Language": language });
  await page.setJavaScriptEnabled(script);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  const answer = await page.goto(url, { waitUntil: "load" });
  return { page, complaints, sent, status: answer.status(), close: () => context.close() };
}

// A picture of the page as it is, where pictures are wanted.
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

export async function recorded(token) {
  return (await fetch(`${preview.page_url}/recorded/${token}`)).json();
}

export async function stage(page, wanted) {
  await page.waitForSelector(`main[data-stage="${wanted}"]`, { timeout: 15000 });
}

export async function text(page, selector) {
  return page.$eval(selector, (element) => element.innerText.trim());
}

// The input in the vendor's frame.
export async function field(page, name) {
  const element = await page.waitForSelector(`iframe[name="braintree-hosted-field-${name}"]`, { timeout: 15000 });
  const frame = await element.contentFrame();
  return frame.waitForSelector("input[autocomplete]", { timeout: 15000 });
}

export async function typeCard(page, { number = VISA, expirationDate = "1230", cvv = "123" } = {}) {
  for (const [name, value] of Object.entries({ number, expirationDate, cvv })) {
    if (value !== "") await (await field(page, name)).type(value);
  }
}

export async function agree(page) {
  await page.click("#consent");
}

export async function until(page, selector, wanted) {
  await page.waitForFunction((s, w) => document.querySelector(s)?.innerText.includes(w), { timeout: 15000 }, selector, wanted);
}
