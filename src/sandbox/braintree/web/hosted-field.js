// Sandbox stand-in for one of Braintree's hosted fields: an input in a frame of the sandbox's origin. The page learns
// whether it is empty and valid, and in the end a nonce; never what was typed.
(() => {
  "use strict";

  const instance = location.hash.slice(1);
  const input = document.getElementById("field");
  let page = null; // The page's origin, from its first message.
  let field = null;

  // What the page may style, as Braintree has it: text, not layout.
  const STYLES = ["color", "font-family", "font-size", "font-style", "font-weight", "letter-spacing", "line-height"];
  const SELECTORS = { input: "input", "::placeholder": "input::placeholder", ".invalid": "input.invalid", ".valid": "input.valid", ":focus": "input:focus" };

  const digits = (text) => text.replace(/\D/g, "");
  const isAmex = (number) => /^3[47]/.test(number);
  const luhn = (number) =>
    [...number].reverse().reduce((sum, digit, at) => sum + (at % 2 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit] : Number(digit)), 0) % 10 === 0;

  // Month and year of "MM/YY", "MMYY" or "MM/YYYY"; null when incomplete.
  function expiry(text) {
    const [, month, year] = /^(\d{2})\s*\/?\s*(\d{2}|\d{4})$/.exec(text.trim()) ?? [];
    return month ? { month: Number(month), year: Number(year) % 100 } : null;
  }

  function notOver({ month, year }) {
    const now = new Date();
    const months = (2000 + year) * 12 + month - 1;
    const current = now.getFullYear() * 12 + now.getMonth();
    return month >= 1 && month <= 12 && months >= current && months <= current + 19 * 12;
  }

  // What the sandbox shows in an empty field: cards that work here.
  const KINDS = {
    number: {
      autocomplete: "cc-number",
      hint: "Test card 4111 1111 1111 1111",
      value: () => digits(input.value),
      format: (text) => {
        const number = digits(text).slice(0, 19);
        const groups = isAmex(number) ? /^(.{1,4})(.{1,6})?(.*)$/ : /(.{1,4})/g;
        return (isAmex(number) ? groups.exec(number).slice(1) : (number.match(groups) ?? [])).filter(Boolean).join(" ");
      },
      valid: (number) => number.length >= 12 && luhn(number),
      possible: (number) => number.length < 16 || luhn(number),
    },
    expirationDate: {
      autocomplete: "cc-exp",
      hint: `12/${(new Date().getFullYear() + 3) % 100}`,
      value: () => input.value.trim(),
      format: (text) => {
        const number = digits(text).slice(0, 6);
        return number.length > 2 ? `${number.slice(0, 2)}/${number.slice(2)}` : number;
      },
      valid: (text) => expiry(text) !== null && notOver(expiry(text)),
      possible: (text) => (digits(text).length < 4 ? /^(0|1|0[1-9]|1[0-2]|$)/.test(digits(text).slice(0, 2)) : expiry(text) === null || notOver(expiry(text))),
    },
    cvv: {
      autocomplete: "cc-csc",
      hint: "123",
      value: () => digits(input.value),
      format: (text) => digits(text).slice(0, 4),
      valid: (text) => text.length === 3 || text.length === 4,
      possible: () => true,
    },
  };

  function state() {
    const value = field.value();
    const isEmpty = value === "";
    const isValid = !isEmpty && field.valid(value);
    return { isEmpty, isValid, isPotentiallyValid: isEmpty || isValid || field.possible(value), isFocused: document.hasFocus() && document.activeElement === input };
  }

  function tell(message) {
    parent.postMessage({ instance, ...message }, page);
  }

  function report(event, change = {}) {
    const now = { ...state(), ...change };
    input.classList.toggle("invalid", !now.isPotentiallyValid);
    input.classList.toggle("valid", now.isValid);
    tell({ kind: "state", event, state: now });
  }

  function create({ name, styles, placeholder }) {
    field = KINDS[name];
    Object.assign(input, { autocomplete: field.autocomplete, inputMode: "numeric", placeholder: placeholder ?? field.hint });
    input.setAttribute("aria-label", name);
    const sheet = new CSSStyleSheet();
    for (const [selector, rules] of Object.entries(styles)) {
      const at = SELECTORS[selector] && sheet.insertRule(`${SELECTORS[selector]} {}`);
      STYLES.filter((style) => at !== undefined && style in rules).forEach((style) => sheet.cssRules[at].style.setProperty(style, rules[style]));
    }
    document.adoptedStyleSheets = [sheet];
    window.hostedField = { instance, name, value: () => field.value(), state };
    listen();
    tell({ kind: "ready" });
  }

  function listen() {
    let was = state();
    input.addEventListener("focus", () => report("focus", { isFocused: true }));
    input.addEventListener("blur", () => report("blur", { isFocused: false }));
    input.addEventListener("input", () => {
      if (input.selectionStart === input.value.length) input.value = field.format(input.value);
      const now = state();
      if (now.isEmpty !== was.isEmpty) report(now.isEmpty ? "empty" : "notEmpty");
      if (now.isValid !== was.isValid || now.isPotentiallyValid !== was.isPotentiallyValid) report("validityChange");
      was = now;
    });
    document.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      report("inputSubmitRequest");
    });
  }

  // The fields of the same form: frames of this origin beside this one.
  function neighbours(names) {
    const found = [];
    for (let at = 0; at < parent.frames.length; at += 1) {
      try {
        const other = parent.frames[at].hostedField;
        if (other?.instance === instance && names.includes(other.name)) found.push(other);
      } catch {
        // A frame of somebody else.
      }
    }
    return found;
  }

  async function tokenize({ names, url, authorizationFingerprint }) {
    const fields = neighbours(names);
    const invalid = names.filter((name) => !fields.find((other) => other.name === name)?.state().isValid);
    if (fields.every((other) => other.state().isEmpty)) return { failure: { code: "HOSTED_FIELDS_FIELDS_EMPTY" } };
    if (invalid.length > 0) return { failure: { code: "HOSTED_FIELDS_FIELDS_INVALID", keys: invalid } };
    const value = (name) => fields.find((other) => other.name === name)?.value();
    const { month, year } = expiry(value("expirationDate"));
    const creditCard = {
      number: value("number"),
      cvv: value("cvv"),
      expirationMonth: String(month).padStart(2, "0"),
      expirationYear: String(2000 + year),
    };
    let answer;
    try {
      const headers = { "Content-Type": "application/json" };
      answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ authorizationFingerprint, creditCard }) });
    } catch {
      return { failure: { code: "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR" } };
    }
    if (answer.status >= 500) return { failure: { code: "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR" } };
    const body = await answer.json();
    if (!answer.ok) return { failure: { code: "HOSTED_FIELDS_FAILED_TOKENIZATION", original: body } };
    const { nonce, type, description, details } = body.creditCards[0];
    return { payload: { nonce, type, description, details, binData: {} } };
  }

  window.addEventListener("message", async ({ source, origin, data }) => {
    if (source !== parent || data?.instance !== instance || (page && origin !== page)) return;
    page = origin;
    if (data.kind === "create" && !field) create(data);
    if (data.kind === "focus") input.focus();
    if (data.kind === "clear" && field) {
      input.value = "";
      report("empty");
    }
    if (data.kind === "tokenize" && field) tell({ kind: "tokenized", ...(await tokenize(data)) });
  });

  // Holds nothing yet, so anyone may hear it.
  parent.postMessage({ instance, kind: "hello" }, "*");
})();
