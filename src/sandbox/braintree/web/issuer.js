// Sandbox stand-in for the page on which a card's issuer asks the cardholder. The page around it gets what the issuer
// signed, and whether the cardholder closed this page instead of answering.
(() => {
  "use strict";

  const url = `/issuer/${encodeURIComponent(location.hash.slice(1))}`;
  const question = document.getElementById("question");
  const buttons = document.getElementById("buttons");

  function say(text) {
    question.textContent = text;
    buttons.hidden = true;
  }

  async function answer(confirmed, closed) {
    say("One moment…");
    const headers = { "Content-Type": "application/json" };
    const reply = await fetch(url, { method: "POST", headers, body: JSON.stringify({ confirmed }) }).catch(() => null);
    if (!reply?.ok && !closed) {
      say("The bank cannot take this answer. Close this page and pay again.");
      return;
    }
    const { jwt } = reply?.ok ? await reply.json() : { jwt: "" };
    // Of use only to whoever holds the nonce and a client token.
    parent.postMessage({ jwt, closed }, "*");
  }

  document.getElementById("confirm").addEventListener("click", () => answer(true, false));
  document.getElementById("refuse").addEventListener("click", () => answer(false, false));
  document.getElementById("close").addEventListener("click", () => answer(false, true));

  fetch(url)
    .then((reply) => (reply.ok ? reply.json() : Promise.reject(reply)))
    .then(({ amount, cardEndsIn, merchant }) => {
      question.textContent = `Pay ${amount} to ${merchant} with the card ending in ${cardEndsIn}?`;
      buttons.hidden = false;
    })
    .catch(() => say("The bank knows no such payment, or it was answered already."));
})();
