// The whole service beside the simulated vendors: what a CRM user does in Attio, and what the vendors' books say.
export const service = JSON.parse(process.env.SERVICE_JSON);

const control = service.sandbox.control_url;

export async function call(path, body) {
  const method = body === undefined ? "GET" : "POST";
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(control + path, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`sandbox ${path}: ${answer.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

export const books = () => call("/books");
export const staff = (vendor, act, fields) => call("/staff", { vendor, act, ...fields });
export const fault = (order) => call("/faults", { times: 1, ...order });

// Waits for what is asked every 50 ms, and says in vain what it was.
export async function until(what, ask) {
  for (const end = Date.now() + 20000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`waited 20 s in vain for ${what}`);
}

const create = async (object, values) => (await staff("attio", "create_record", { object, values })).id.record_id;
const reference = (target_object, target_record_id) => [{ target_object, target_record_id }];

export async function newCompany(name) {
  const email = `${name.toLowerCase().replaceAll(" ", "-")}@example.org`;
  const full_name = `Alex ${name}`;
  const person = await create("people", { name: [{ first_name: "Alex", last_name: name, full_name }], email_addresses: [email] });
  return create("companies", { name: [name], team: reference("people", person) });
}

// A CRM user asks for a plan and presses `Start`; answers the record and the link that appears on it.
export async function invite(company, code = "plus-monthly") {
  const plan = await create("service_plans", { name: [code], kind: ["plan"], code: [code] });
  const values = { name: [code], customer_company: reference("companies", company), plan: reference("service_plans", plan) };
  const record = await create("subscriptions", values);
  await staff("attio", "press", { record_id: record, action: "Start" });
  const url = await until("a link on the record", async () => (await shown(record)).checkout_url);
  return { record, url };
}

// What Attio shows on a subscription record.
export async function shown(record) {
  return (await books()).attio.records.subscriptions.find((r) => r.record_id === record).values;
}

// All that the gateway has for the activation of a record.
export async function transactions(record) {
  const { saga_id } = await shown(record);
  const ours = `.act.${saga_id.replaceAll("-", "")}.`;
  return (await books()).braintree.transactions.filter((t) => t.order_id?.includes(ours));
}
