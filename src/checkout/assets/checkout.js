// The checkout page: card fields, 3-D Secure where the bank wants it, one submission, and the state afterwards. The server
// renders every state; this script only asks for it again. No card number comes here: the fields are frames of Braintree's.
(() => {
  "use strict";

  const FIELDS_READY_MS = 20000;
  // Promises of Braintree's client, hosted fields and 3-D Secure, once they are wanted.
  let client = null;
  let fields = null;
  let secure = null;
  let closed = false; // The bank's window, by the customer.
  let busy = false;

  start();

  function start() {
    client = fields = secure = null;
    busy = false;
    showLocalTime();
    const form = document.getElementById("pay");
    if (form) prepare(form);
    if (waits(stage())) poll(1000);
  }

  function stage() {
    return document.querySelector("main").dataset.stage;
  }

  function prepare(form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit(form);
    });
    form.querySelectorAll("input[name=card]").forEach((choice) =>
      choice.addEventListener("change", () => {
        document.getElementById("card-fields").hidden = cardOnFile(form) !== null;
        if (cardOnFile(form) === null) load(form);
      }),
    );
    document.getElementById("consent").addEventListener("change", () => say("consent-error", ""));
    if (cardOnFile(form) === null) load(form);
  }

  // The id of the chosen card on file; null for a card that is entered.
  function cardOnFile(form) {
    const choice = form.querySelector("input[name=card]:checked");
    return choice && choice.value !== "" ? choice.value : null;
  }

  function load(form) {
    fields ??= createFields(form);
    fields.catch(() => {
      fields = null;
      say("form-error", form.dataset.fieldsFailed);
    });
  }

  function gateway() {
    client ??= createClient();
    client.catch(() => (client = null));
    return client;
  }

  async function createClient() {
    const answer = await send("/client-token", {});
    if (!answer.ok) throw new Error("no client token");
    const { client_token: authorization } = await answer.json();
    return braintree.client.create({ authorization });
  }

  async function createFields(form) {
    const client = await gateway();
    const containers = [...form.querySelectorAll("[data-field]")];
    const options = containers.map((box) => [box.dataset.field, { selector: `#${box.id}`, iframeTitle: box.dataset.frame }]);
    const instance = await braintree.hostedFields.create({ client, styles: styles(), fields: Object.fromEntries(options) });
    instance.on("validityChange", (event) => mark(event.fields[event.emittedBy], false));
    instance.on("blur", (event) => mark(event.fields[event.emittedBy], false));
    instance.on("inputSubmitRequest", () => form.requestSubmit());
    return instance;
  }

  // The frames have our colours and no style sheet of ours.
  function styles() {
    const colors = getComputedStyle(document.documentElement);
    const color = (name) => colors.getPropertyValue(name).trim();
    return {
      input: { "font-size": "16px", "font-family": "system-ui, sans-serif", color: color("--text") },
      "::placeholder": { color: color("--soft") },
      ".invalid": { color: color("--bad") },
    };
  }

  // Says what is wrong with a field: at once when it cannot get right any more, else when asked to be complete.
  function mark(state, complete) {
    const box = state.container;
    const wrong = complete ? !state.isValid : !state.isPotentiallyValid || (!state.isFocused && !state.isEmpty && !state.isValid);
    box.classList.toggle("wrong", wrong);
    say(`${box.id}-error`, wrong ? (state.isEmpty ? box.dataset.empty : box.dataset.invalid) : "");
  }

  async function submit(form) {
    if (busy) return;
    say("form-error", "");
    const consent = document.getElementById("consent");
    const message = document.getElementById("consent-error");
    say("consent-error", consent.checked ? "" : message.dataset.missing);
    if (!consent.checked) return consent.focus();
    work(form, true);
    const payment = await instrument(form);
    if (payment === null) return work(form, false);
    // From here on the outcome counts, not the answer: whatever comes, the server is asked where we stand.
    const answer = await send("", {
      quote_hash: form.dataset.quoteHash,
      consent_version: form.dataset.consentVersion,
      ...payment,
    }).catch(() => null);
    const refused = answer && answer.status >= 400 && answer.status < 500;
    await refresh();
    if (refused) say("form-error", form.dataset.submitRefused);
  }

  // What to pay with: a card on file, or a nonce; null after saying what is wrong.
  async function instrument(form) {
    const card = cardOnFile(form);
    const entered = card === null ? await tokenize(form) : null;
    if (card === null && entered === null) return null;
    const plain = card === null ? { nonce: entered.nonce } : { card_on_file: card };
    return form.dataset.authenticate ? authenticate(form, plain, entered) : plain;
  }

  // 3-D Secure: the bank may ask the customer in a window of its own. What comes back is sent as it is, and the gateway
  // itself decides whether it counts.
  async function authenticate(form, plain, entered) {
    const { authenticationFailed, authenticationClosed, authenticationUnavailable } = form.dataset;
    say("live", form.dataset.authenticate);
    try {
      const answer = await send("/authentication", entered ? {} : plain);
      if (!answer.ok) throw new Error("nothing to authenticate with");
      const { amount, email, card } = await answer.json();
      secure ??= createSecure();
      const instance = await secure;
      const { nonce, bin } = entered ? { nonce: entered.nonce, bin: entered.details.bin } : card;
      const onLookupComplete = (_data, next) => next();
      closed = false;
      const done = await instance.verifyCard({ nonce, bin, amount, email, onLookupComplete });
      if (!done.liabilityShiftPossible || done.liabilityShifted) return { ...plain, nonce: done.nonce, authenticated: true };
      return stop(form, closed ? authenticationClosed : authenticationFailed);
    } catch (error) {
      secure = null;
      // Without 3-D Secure at the gateway, another card is all that is left, and is worth a try.
      if (entered && /^THREEDS_NOT_ENABLED/.test(error.code)) return plain;
      return stop(form, error.code === "THREEDS_CARDINAL_SDK_CANCELED" ? authenticationClosed : authenticationUnavailable);
    }
  }

  async function createSecure() {
    const instance = await braintree.threeDSecure.create({ version: 2, client: await gateway() });
    instance.on("customer-canceled", () => (closed = true));
    return instance;
  }

  // The bank's window had the focus.
  function stop(form, message) {
    say("form-error", message);
    work(form, false);
    form.querySelector("button").focus();
    return null;
  }

  async function tokenize(form) {
    let instance = null;
    try {
      load(form);
      instance = await Promise.race([fields, late()]);
    } catch {
      say("form-error", form.dataset.fieldsFailed);
      return null;
    }
    try {
      return await instance.tokenize();
    } catch (error) {
      explain(form, instance, error);
      return null;
    }
  }

  function late() {
    return new Promise((_, reject) => setTimeout(reject, FIELDS_READY_MS));
  }

  function explain(form, instance, error) {
    const states = instance.getState().fields;
    switch (error.code) {
      case "HOSTED_FIELDS_FIELDS_EMPTY":
      case "HOSTED_FIELDS_FIELDS_INVALID": {
        const wrong = Object.keys(states).filter((name) => !states[name].isValid);
        wrong.forEach((name) => mark(states[name], true));
        if (wrong.length > 0) instance.focus(wrong[0]);
        break;
      }
      case "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR":
        say("form-error", form.dataset.cardNetwork);
        break;
      default:
        say("form-error", form.dataset.cardRefused);
    }
  }

  function work(form, on) {
    busy = on;
    const button = form.querySelector("button");
    button.dataset.text ??= button.textContent;
    button.disabled = on;
    button.textContent = on ? form.dataset.working : button.dataset.text;
    if (on) say("live", form.dataset.working);
  }

  // Shows the server's page of now in place of this one; until it can be had, tries again.
  async function refresh() {
    for (let wait = 1000; ; wait = Math.min(wait * 2, 10000)) {
      const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
      if (answer && answer.status < 500) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        // A bank's frame is shown under another content policy than this page was loaded with.
        const asks = (of) => of.querySelector("form[data-authenticate]") !== null;
        return asks(page) && !asks(document) ? location.reload() : show(page);
      }
      await pause(wait);
    }
  }

  async function show(page) {
    const here = new Set([...document.scripts].map((script) => script.src));
    const missing = [...page.querySelectorAll("head script[src]")].filter((script) => !here.has(script.src));
    for (const script of missing) await add(script).catch(() => null);
    document.title = page.title;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    const heading = document.querySelector("h1");
    heading.focus();
    window.scrollTo(0, 0);
    say("live", heading.textContent);
    start();
  }

  function add(wanted) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = wanted.src;
      if (wanted.integrity) {
        script.integrity = wanted.integrity;
        script.crossOrigin = "anonymous";
      }
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
  }

  function waits(stage) {
    return stage === "confirming" || stage === "preparing";
  }

  async function poll(wait) {
    await pause(wait);
    const answer = await fetch(`${location.pathname}/state`, { cache: "no-store" }).catch(() => null);
    const now = answer && answer.ok ? (await answer.json()).stage : "confirming";
    if (waits(now)) return poll(Math.min(wait * 1.5, 10000));
    return refresh();
  }

  function send(path, body) {
    return fetch(location.pathname + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  function showLocalTime() {
    const sentence = document.querySelector("[data-at]");
    if (!sentence) return;
    const time = new Date(sentence.dataset.at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    sentence.textContent = sentence.textContent.replace(/\d\d:\d\d UTC/, time);
  }

  function say(id, text) {
    const place = document.getElementById(id);
    if (place) place.textContent = text;
  }

  function pause(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
})();
