// A picture of every state, at desktop and phone width, into the folder that is named: `node screenshots.js FOLDER`.
import { mkdir } from "node:fs/promises";
import { DESKTOP, PHONE, agree, field, open, openBrowser, preview, typeCard } from "./browser.js";

const folder = process.argv[2] ?? "screenshots";
await mkdir(folder, { recursive: true });
const browser = await openBrowser();

async function shoot(file, name, options, act = async () => {}) {
  const { page, close } = await open(browser, name, options);
  if ((await page.$("#pay")) && name !== "cards") await field(page, "cvv");
  await act(page);
  await page.screenshot({ path: `${folder}/${file}.png`, fullPage: options.viewport === PHONE });
  await close();
}

for (const [width, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
  for (const name of [...preview.views, "nonsense", "unavailable"]) await shoot(`${name}-${width}`, name, { viewport });
  await shoot(`dark-${width}`, "quoted", { viewport, scheme: "dark" }, typeCard);
  await shoot(`errors-${width}`, "quoted", { viewport }, async (page) => {
    await agree(page);
    await typeCard(page, { number: "4111111111111112", expirationDate: "", cvv: "12" });
    await page.click("button");
    await page.waitForFunction(() => document.getElementById("card-expiration-error").innerText !== "");
  });
}
await browser.close();
