// Sends messages without reloading the page. Everything shown is rendered by the server; without this file the forms do the same.
"use strict";
const log = document.getElementById("log");
const form = document.getElementById("composer");
const input = document.getElementById("message");
const send = form.querySelector("button");
let busy = false;

function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

function toEnd() {
  window.scrollTo({ top: document.documentElement.scrollHeight });
}

function mine(text) {
  const row = document.createElement("div");
  row.className = "row mine";
  const bubble = row.appendChild(document.createElement("div"));
  bubble.className = "bubble me";
  bubble.appendChild(document.createElement("p")).textContent = text;
  return row;
}

async function ask(text) {
  const response = await fetch("/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ message: text }),
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(answer.message);
  }
  return answer;
}

async function say(text) {
  text = text.trim();
  if (busy || text === "") {
    return;
  }
  busy = send.disabled = true;
  log.setAttribute("aria-busy", "true");
  document.getElementById("welcome")?.remove();
  log.querySelectorAll(".exchange .chips, .exchange .question, .trouble").forEach((e) => e.remove());
  const pending = document.createElement("div");
  pending.className = "exchange";
  pending.append(mine(text), copy("busy"));
  log.append(pending);
  input.value = "";
  toEnd();
  document.dispatchEvent(new CustomEvent("chat:asked")); // for who watches beside the chat
  try {
    const answer = await ask(text);
    const before = document.getElementById("e-" + answer.id); // the message answered a question of an exchange that is there
    (before ?? pending).insertAdjacentHTML("beforebegin", answer.html);
    before?.remove();
    pending.remove();
    document.getElementById("status").innerHTML = answer.status_html;
  } catch (error) {
    pending.querySelector(".busy").remove();
    const trouble = copy("trouble");
    const known = error instanceof Error && !(error instanceof TypeError || error instanceof SyntaxError);
    trouble.querySelector("p").textContent = known ? error.message : "That did not get through. Please check the connection and send it again.";
    pending.append(trouble);
    if (input.value === "") {
      input.value = text; // nothing typed is lost
    }
  } finally {
    busy = send.disabled = false;
    log.removeAttribute("aria-busy");
    toEnd();
    input.focus();
    document.dispatchEvent(new CustomEvent("chat:answered"));
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  say(input.value);
});

input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    say(input.value);
  }
});

// Some input methods send the character of the key apart from the key.
input.addEventListener("keypress", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
  }
});

log.addEventListener("submit", (event) => {
  if (event.submitter?.name === "message") {
    event.preventDefault();
    say(event.submitter.value);
  }
});

// An open menu closes with Escape and with a click elsewhere.
function closeMenus(except) {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(except)) {
      menu.open = false;
    }
  });
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    closeMenus(null);
  }
});

// The Back button may bring a page from memory that is no longer true, such as the conversation before a log out.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});

// Back from the authorization server: show the answer to the question that waited.
const arrived = location.hash.startsWith("#e-") && document.getElementById(location.hash.slice(1));
if (arrived) {
  history.replaceState(null, "", "/");
  arrived.scrollIntoView();
  arrived.focus({ preventScroll: true });
} else {
  if (log.querySelector(".exchange")) {
    toEnd();
  }
  if (matchMedia("(hover: hover)").matches) {
    input.focus({ preventScroll: true });
  }
}
