// Sandbox stand-in for Braintree's client.js: `braintree.client.create({authorization})`, by promise or callback, as the
// reference of braintree-web describes it. It reads a client token and fetches the configuration behind it.
(() => {
  "use strict";

  const braintree = (window.braintree ??= {});

  class BraintreeError extends Error {
    constructor({ type, code, message, details }) {
      super(message);
      Object.assign(this, { name: "BraintreeError", type, code, details });
    }
  }

  // Braintree's functions take a callback last, or give a promise.
  function either(promise, callback) {
    if (!callback) return promise;
    promise.then((value) => callback(null, value), callback);
    return undefined;
  }

  async function create({ authorization } = {}) {
    if (!authorization) {
      const message = "options.authorization is required when instantiating a client.";
      throw new BraintreeError({ type: "MERCHANT", code: "INSTANTIATION_OPTION_REQUIRED", message });
    }
    let token;
    try {
      token = JSON.parse(atob(authorization));
    } catch {
      const message = "Authorization is invalid. Make sure your client token or tokenization key is valid.";
      throw new BraintreeError({ type: "MERCHANT", code: "CLIENT_INVALID_AUTHORIZATION", message });
    }
    const url = new URL(token.configUrl);
    url.searchParams.set("authorization_fingerprint", token.authorizationFingerprint);
    const answer = await fetch(url).catch(() => null);
    if (!answer || !answer.ok) {
      const network = { type: "NETWORK", code: "CLIENT_GATEWAY_NETWORK", message: "Cannot contact the gateway at this time." };
      const refused = {
        type: "MERCHANT",
        code: "CLIENT_AUTHORIZATION_INVALID",
        message: "Either the client token has expired and a new one should be generated or the tokenization key has been deactivated or deleted.",
      };
      throw new BraintreeError(answer && answer.status === 401 ? refused : network);
    }
    const configuration = {
      authorization,
      authorizationType: "CLIENT_TOKEN",
      authorizationFingerprint: token.authorizationFingerprint,
      gatewayConfiguration: await answer.json(),
    };
    return { getConfiguration: () => configuration };
  }

  braintree.client = { create: (options, callback) => either(create(options), callback) };
  braintree.sandbox = { BraintreeError, either };
})();
