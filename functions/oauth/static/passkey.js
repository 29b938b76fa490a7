// Passkeys: the button on the login page and the one on the account page. Both stay hidden in a browser that has none, and
// the account page says so.
"use strict";

const offered = window.PublicKeyCredential?.parseRequestOptionsFromJSON && window.PublicKeyCredential?.parseCreationOptionsFromJSON;

// send posts to one of our own addresses and returns the answer, or throws its words for the person.
async function send(address, body) {
  const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.message || "Something broke on our side. Please try again.");
  return answer;
}

// ceremonies: what the browser is asked to do with the options that the server gave.
const ceremonies = {
  login: (options) => navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
  add: (options) => navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
};

// words tells in plain words why the browser itself said no. NotAllowedError is both: the person gave up, and none fits.
function words(error) {
  switch (error.name) {
    case "NotAllowedError": return "No passkey was used. You can try again.";
    case "InvalidStateError": return "This device has a passkey for you here already.";
    case "SecurityError": return "Passkeys do not work at this address.";
    default: return error.message;
  }
}

for (const hint of document.querySelectorAll("[data-no-passkey]")) hint.hidden = Boolean(offered);

for (const part of document.querySelectorAll("[data-passkey]")) {
  if (!offered) continue;
  const { passkey, begin, finish, token } = part.dataset;
  const button = part.querySelector("button");
  const problem = part.querySelector("[role=alert]");
  const name = part.querySelector("input");
  const run = async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      const credential = await ceremonies[passkey](await send(begin, { form_token: token }));
      const answer = await send(finish, { form_token: token, name: name?.value.trim(), credential: credential.toJSON() });
      location.assign(answer.location);
    } catch (error) {
      problem.textContent = words(error);
      problem.hidden = false;
      button.disabled = false;
    }
  };
  if (part.tagName === "FORM") {
    part.addEventListener("submit", (event) => { event.preventDefault(); run(); });
  } else {
    button.addEventListener("click", run);
  }
  part.hidden = false;
}
