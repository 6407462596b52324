// Sandbox stand-in for Braintree's three-d-secure.js: the same calls, events and errors, as the reference of braintree-web
// describes them for 3-D Secure 2. The issuer is this script's origin; its page comes in a frame.
(() => {
  "use strict";

  const { BraintreeError, either } = window.braintree.sandbox;
  const VERSION = "3.144.0";
  const MODAL = ["2", "2-cardinal-modal", "2-bootstrap3-modal"];
  const INLINE = "2-inline-iframe";

  const failed = (type, code, message, details) => new BraintreeError({ type, code, message, details });
  const missing = (option) => failed("MERCHANT", "THREEDS_MISSING_VERIFY_CARD_OPTION", `verifyCard options must include ${option}.`);
  const isNumeric = (value) => (typeof value === "number" || (typeof value === "string" && value.trim() !== "")) && !Number.isNaN(Number(value));

  function lookupFailure(originalError) {
    const failure = (type, code, message) => failed(type, code, message, { originalError });
    switch (originalError.details?.httpStatus) {
      case 404:
        return failure("MERCHANT", "THREEDS_LOOKUP_TOKENIZED_CARD_NOT_FOUND_ERROR", "The payment method nonce does not exist, or was consumed before.");
      case 422:
        return failure("CUSTOMER", "THREEDS_LOOKUP_VALIDATION_ERROR", "The data for the 3D Secure lookup is not valid. The details say why.");
      default:
        return failure("UNKNOWN", "THREEDS_LOOKUP_ERROR", "The 3D Secure lookup went wrong.");
    }
  }

  const payload = ({ nonce, type, binData, details, description, threeDSecureInfo }, { liabilityShifted, liabilityShiftPossible }) => ({
    nonce,
    type,
    binData,
    details,
    description,
    liabilityShifted,
    liabilityShiftPossible,
    threeDSecureInfo,
  });

  class ThreeDSecure {
    constructor(client, inline) {
      this.config = client.getConfiguration();
      this.inline = inline;
      this.handlers = {};
      this.paymentMethod = null; // Of the last lookup.
      this.inProgress = false;
      this.close = () => {};
      this.cancel = () => {};
    }

    on(event, handler) {
      (this.handlers[event] ??= []).push(handler);
    }

    off(event, handler) {
      this.handlers[event] = (this.handlers[event] ?? []).filter((other) => other !== handler);
    }

    emit(event, ...values) {
      (this.handlers[event] ?? []).forEach((handler) => handler(...values));
    }

    async request(endpoint, data) {
      const { gatewayConfiguration, authorizationFingerprint } = this.config;
      const body = JSON.stringify({ ...data, authorizationFingerprint, braintreeLibraryVersion: `braintree/web/${VERSION}` });
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch(`${gatewayConfiguration.clientApiUrl}/v1/payment_methods/${endpoint}`, { method: "POST", headers, body }).catch(() => null);
      if (!answer) throw failed("NETWORK", "CLIENT_REQUEST_ERROR", "There was a problem with your request.", { httpStatus: 0 });
      const said = await answer.json().catch(() => null);
      if (answer.ok && said) return said;
      throw failed("NETWORK", "CLIENT_REQUEST_ERROR", "There was a problem with your request.", { httpStatus: answer.status, originalError: said });
    }

    verifyCard(options, callback) {
      return either(this.verify(options ?? {}), callback);
    }

    check({ bin, nonce, amount, onLookupComplete }) {
      if (!bin) throw missing("a BIN");
      if (this.inProgress) {
        throw failed("MERCHANT", "THREEDS_AUTHENTICATION_IN_PROGRESS", "verifyCard was called while another authentication is in progress.");
      }
      if (!nonce) throw missing("a nonce");
      if (!isNumeric(amount)) throw missing("an amount");
      if (typeof onLookupComplete !== "function" && !this.handlers["lookup-complete"]?.length) throw missing("an onLookupComplete function");
    }

    async verify(options) {
      this.check(options);
      this.inProgress = true;
      try {
        const { nonce, amount, bin, email, challengeRequested, billingAddress, additionalInformation } = options;
        const data = { amount, bin, challengeRequested, additionalInfo: { ...additionalInformation, email, billingAddress } };
        const found = await this.request(`${encodeURIComponent(nonce)}/three_d_secure/lookup`, data).catch((error) => {
          throw lookupFailure(error);
        });
        return await this.untilCanceled(() => this.reviewed(found, options).then(() => this.finish(found)), found);
      } finally {
        this.inProgress = false;
      }
    }

    // The page may look at the lookup, and then goes on with `next` or calls it off.
    reviewed(found, { onLookupComplete }) {
      const data = { ...found, requiresUserAuthentication: Boolean(found.lookup?.acsUrl) };
      return new Promise((next) => {
        if (onLookupComplete) onLookupComplete(data, () => next());
        else this.emit("lookup-complete", data, () => next());
      });
    }

    untilCanceled(work, { paymentMethod }) {
      this.paymentMethod = paymentMethod;
      const canceled = new Promise((_, reject) => {
        this.cancel = () => reject(failed("MERCHANT", "THREEDS_VERIFY_CARD_CANCELED_BY_MERCHANT", "The merchant canceled the 3D Secure authentication."));
      });
      return Promise.race([canceled, work()]);
    }

    async finish({ paymentMethod, threeDSecureInfo, lookup }) {
      if (!lookup?.acsUrl) return { ...payload(paymentMethod, threeDSecureInfo), verificationDetails: threeDSecureInfo };
      const { jwt, closed } = await this.challenge(lookup);
      if (closed) this.emit("customer-canceled");
      try {
        const data = { jwt, paymentMethodNonce: paymentMethod.nonce };
        const answer = await this.request(`${encodeURIComponent(paymentMethod.nonce)}/three_d_secure/authenticate_from_jwt`, data);
        return payload(answer.paymentMethod, answer.threeDSecureInfo);
      } catch (originalError) {
        throw failed("UNKNOWN", "THREEDS_JWT_AUTHENTICATION_FAILED", "The answer of the issuer could not be used.", { originalError });
      }
    }

    // Shows the issuer's page, and waits for what it signs.
    challenge({ acsUrl }) {
      const frame = document.createElement("iframe");
      Object.assign(frame, { src: acsUrl, id: "Cardinal-CCA-IFrame", name: "Cardinal-CCA-IFrame", title: "Card issuer" });
      Object.assign(frame.style, { border: "0", width: "100%", maxWidth: "400px", height: "400px", background: "white" });
      const container = document.createElement("div");
      container.id = "Cardinal-ElementContainer";
      container.append(frame);
      return new Promise((resolve) => {
        const listen = ({ source, origin, data }) => {
          if (source !== frame.contentWindow || origin !== new URL(acsUrl).origin || typeof data?.jwt !== "string") return;
          this.close();
          resolve(data);
        };
        window.addEventListener("message", listen);
        this.close = () => {
          window.removeEventListener("message", listen);
          container.remove();
          this.close = () => {};
          if (!this.inline) this.emit("authentication-modal-close");
        };
        this.show(container);
      });
    }

    show(element) {
      if (this.inline) {
        this.emit("authentication-iframe-available", { element }, () => {});
        return;
      }
      const middle = { display: "flex", alignItems: "center", justifyContent: "center" };
      Object.assign(element.style, middle, { position: "fixed", inset: "0", zIndex: "999999", background: "rgb(0 0 0 / 60%)" });
      document.body.append(element);
      this.emit("authentication-modal-render");
    }

    initializeChallengeWithLookupResponse(response, callback) {
      const found = typeof response === "string" ? JSON.parse(response) : response;
      return either(this.untilCanceled(() => this.finish(found), found), callback);
    }

    // What a server needs for a lookup of its own.
    prepareLookup(options, callback) {
      const { authorizationFingerprint } = this.config;
      const data = { ...options, authorizationFingerprint, braintreeLibraryVersion: `braintree/web/${VERSION}`, clientMetadata: {} };
      return either(Promise.resolve(JSON.stringify(data)), callback);
    }

    // As with Braintree, an issuer's page that is shown stays until the cardholder ends it.
    cancelVerifyCard(callback) {
      const { paymentMethod } = this;
      this.inProgress = false;
      if (!paymentMethod) {
        return either(Promise.reject(failed("MERCHANT", "THREEDS_NO_VERIFICATION_PAYLOAD", "There is no lookup to cancel.")), callback);
      }
      this.cancel();
      const { liabilityShifted, liabilityShiftPossible } = paymentMethod.threeDSecureInfo;
      return either(Promise.resolve({ ...paymentMethod, liabilityShifted, liabilityShiftPossible }), callback);
    }

    teardown(callback) {
      this.close();
      for (const name of ["verifyCard", "cancelVerifyCard", "prepareLookup", "initializeChallengeWithLookupResponse", "on", "off", "teardown"]) {
        this[name] = () => {
          throw failed("MERCHANT", "METHOD_CALLED_AFTER_TEARDOWN", `${name} cannot be called after teardown.`);
        };
      }
      return either(Promise.resolve(), callback);
    }
  }

  async function create({ client, authorization, version } = {}) {
    const wanted = String(version ?? "");
    if (wanted === "" || wanted === "1") {
      throw failed("MERCHANT", "THREEDS_UNSUPPORTED_VERSION", "3D Secure 1 is no longer supported: pass version 2.");
    }
    if (wanted !== INLINE && !MODAL.includes(wanted)) {
      throw failed("MERCHANT", "THREEDS_UNRECOGNIZED_VERSION", `Version \`${wanted}\` is not a recognized version.`);
    }
    if (!client && !authorization) {
      throw failed("MERCHANT", "INSTANTIATION_OPTION_REQUIRED", "options.client or options.authorization is required when instantiating 3D Secure.");
    }
    // A tokenization key reads `environment_key_merchant`; a client token has no underscore.
    if (!client && authorization.includes("_")) {
      throw failed("MERCHANT", "THREEDS_CAN_NOT_USE_TOKENIZATION_KEY", "3D Secure can not use a tokenization key for authorization.");
    }
    const known = client ?? (await window.braintree.client.create({ authorization }));
    const { authorizationType, gatewayConfiguration } = known.getConfiguration();
    if (authorizationType === "TOKENIZATION_KEY") {
      throw failed("MERCHANT", "THREEDS_CAN_NOT_USE_TOKENIZATION_KEY", "3D Secure can not use a tokenization key for authorization.");
    }
    if (!gatewayConfiguration.threeDSecureEnabled) {
      throw failed("MERCHANT", "THREEDS_NOT_ENABLED", "3D Secure is not enabled for this merchant.");
    }
    return new ThreeDSecure(known, wanted === INLINE);
  }

  window.braintree.threeDSecure = { VERSION, create: (options, callback) => either(create(options), callback) };
})();
