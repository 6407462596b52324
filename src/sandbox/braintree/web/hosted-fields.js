// Sandbox stand-in for Braintree's hosted-fields.js: the same calls, events and errors, as the reference of braintree-web
// describes them. Each field is a frame of this script's origin; what is typed there never comes to the page.
(() => {
  "use strict";

  const { BraintreeError, either } = window.braintree.sandbox;
  const origin = new URL(document.currentScript.src).origin;
  const FRAME = `${origin}/braintree-web/hosted-field.html`;

  const failed = (type, code, message, details) => new BraintreeError({ type, code, message, details });

  class HostedFields {
    constructor(client, styles, fields) {
      this.names = Object.keys(fields);
      this.id = Math.random().toString(36).slice(2);
      this.handlers = {};
      this.frames = {};
      this.states = {};
      this.calls = new Map();
      this.config = client.getConfiguration();
      this.listen = (event) => this.receive(event);
      window.addEventListener("message", this.listen);
      this.ready = Promise.all(this.names.map((name) => this.add(name, fields[name], styles)));
    }

    add(name, options, styles) {
      const container = document.querySelector(options.container ?? options.selector);
      if (!container) {
        const message = "Selector does not reference a valid DOM node.";
        return Promise.reject(failed("MERCHANT", "HOSTED_FIELDS_INVALID_FIELD_SELECTOR", message));
      }
      const frame = document.createElement("iframe");
      frame.src = `${FRAME}#${this.id}`;
      frame.title = options.iframeTitle ?? `Secure Credit Card Frame - ${name}`;
      frame.name = `braintree-hosted-field-${name}`;
      frame.allow = "payment";
      Object.assign(frame.style, { border: "none", width: "100%", height: "100%", float: "left" });
      this.frames[name] = frame;
      this.states[name] = { container, isEmpty: true, isFocused: false, isPotentiallyValid: true, isValid: false };
      // A click on the label of the container goes to the field, as with an input.
      this.labels = document.querySelectorAll(`label[for="${container.id}"]`);
      this.labels.forEach((label) => label.addEventListener("click", () => this.focus(name)));
      return new Promise((resolve) => {
        this.calls.set(`ready ${name}`, { resolve });
        this.calls.set(`hello ${name}`, {
          resolve: () => this.send(name, { kind: "create", name, styles, placeholder: options.placeholder }),
        });
        container.append(frame);
      });
    }

    send(name, message) {
      this.frames[name].contentWindow.postMessage({ instance: this.id, ...message }, origin);
    }

    receive({ origin: from, source, data }) {
      const name = this.names.find((name) => this.frames[name]?.contentWindow === source);
      if (from !== origin || !name || data.instance !== this.id) return;
      switch (data.kind) {
        case "hello":
        case "ready":
          this.settle(`${data.kind} ${name}`);
          break;
        case "state":
          this.change(name, data);
          break;
        case "tokenized":
          this.settle("tokenize", data.payload, data.failure && this.failure(data.failure));
          break;
      }
    }

    settle(key, value, error) {
      const call = this.calls.get(key);
      this.calls.delete(key);
      if (!call) return;
      if (error) call.reject(error);
      else call.resolve(value);
    }

    change(name, { state, event }) {
      Object.assign(this.states[name], state);
      const { container, isFocused, isValid, isPotentiallyValid } = this.states[name];
      container.classList.toggle("braintree-hosted-fields-focused", isFocused);
      container.classList.toggle("braintree-hosted-fields-valid", isValid);
      container.classList.toggle("braintree-hosted-fields-invalid", !isPotentiallyValid);
      const payload = { ...this.getState(), emittedBy: name };
      (this.handlers[event] ?? []).forEach((handler) => handler(payload));
    }

    failure({ code, keys, original }) {
      switch (code) {
        case "HOSTED_FIELDS_FIELDS_EMPTY":
          return failed("CUSTOMER", code, "All fields are empty. Cannot tokenize empty card fields.");
        case "HOSTED_FIELDS_FIELDS_INVALID": {
          const invalidFields = Object.fromEntries(keys.map((name) => [name, this.states[name].container]));
          const message = "Some payment input fields are invalid. Cannot tokenize invalid card fields.";
          return failed("CUSTOMER", code, message, { invalidFieldKeys: keys, invalidFields });
        }
        case "HOSTED_FIELDS_FAILED_TOKENIZATION":
          return failed("CUSTOMER", code, "The supplied card data failed tokenization.", { originalError: original });
        default:
          return failed("NETWORK", "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR", "A tokenization network error occurred.");
      }
    }

    on(event, handler) {
      (this.handlers[event] ??= []).push(handler);
    }

    off(event, handler) {
      this.handlers[event] = (this.handlers[event] ?? []).filter((other) => other !== handler);
    }

    getState() {
      const fields = Object.fromEntries(this.names.map((name) => [name, { ...this.states[name] }]));
      return { cards: [], fields };
    }

    focus(name) {
      this.frames[name].focus();
      this.send(name, { kind: "focus" });
    }

    clear(name) {
      this.send(name, { kind: "clear" });
    }

    // The number's frame collects the fields of its neighbours, and posts the card to the gateway by itself.
    tokenize(options, callback) {
      const answer = new Promise((resolve, reject) => this.calls.set("tokenize", { resolve, reject }));
      this.send("number", {
        kind: "tokenize",
        names: this.names,
        url: `${this.config.gatewayConfiguration.clientApiUrl}/v1/payment_methods/credit_cards`,
        authorizationFingerprint: this.config.authorizationFingerprint,
      });
      return either(answer, typeof options === "function" ? options : callback);
    }

    teardown(callback) {
      window.removeEventListener("message", this.listen);
      Object.values(this.frames).forEach((frame) => frame.remove());
      return either(Promise.resolve(), callback);
    }
  }

  async function create({ client, styles = {}, fields } = {}) {
    if (!client || !fields) {
      const message = "options.client and options.fields are required when instantiating Hosted Fields.";
      throw failed("MERCHANT", "INSTANTIATION_OPTION_REQUIRED", message);
    }
    const instance = new HostedFields(client, styles, fields);
    await instance.ready;
    return instance;
  }

  window.braintree.hostedFields = { create: (options, callback) => either(create(options), callback) };
})();
