// What an administrator sets up once: a currency, and two products with a plan each.
import { call, staff } from "./service.js";

await call("/limits", { hold: false });
await staff("zoho", "settings", { base_currency: "EUR" });
await staff("zoho", "add_plan", { plan_code: "plus-monthly", name: "Plus", price: 4900 });
await staff("zoho", "add_plan", { plan_code: "archive-monthly", name: "Archive", price: 3000 });
