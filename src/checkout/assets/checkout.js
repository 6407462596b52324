// The checkout page: card fields, one submission, and the state afterwards. The server renders every state; this script
// only asks for it again. No card number comes here: the fields are frames of Braintree's.
(() => {
  "use strict";

  const FIELDS_READY_MS = 20000;
  let fields = null; // A promise of Braintree's hosted fields, once they are wanted.
  let busy = false;

  start();

  function start() {
    fields = null;
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

  async function createFields(form) {
    const answer = await send("/client-token", {});
    if (!answer.ok) throw new Error("no client token");
    const { client_token: authorization } = await answer.json();
    const client = await braintree.client.create({ authorization });
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
    if (card !== null) return { card_on_file: card };
    let instance = null;
    try {
      load(form);
      instance = await Promise.race([fields, late()]);
    } catch {
      say("form-error", form.dataset.fieldsFailed);
      return null;
    }
    try {
      return { nonce: (await instance.tokenize()).nonce };
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
      if (answer && answer.status < 500) return show(new DOMParser().parseFromString(await answer.text(), "text/html"));
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
