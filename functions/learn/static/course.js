// Keeps the checks on the page as they are, and lets the clock tick. Without it, a reload does the same.
"use strict";

const every = 2500; // milliseconds
let tag = "";

async function look() {
  const answer = await fetch("/learn/api/checks", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag") ?? "";
  show(await answer.json());
}

function show(list) {
  const progress = document.querySelector("progress");
  if (progress) {
    progress.value = list.passed;
    document.querySelector("[data-passed]").textContent = list.passed;
  }
  for (const lesson of list.lessons) {
    const line = document.querySelector(`[data-lesson="${lesson.id}"]`);
    if (line) {
      line.classList.toggle("passed", lesson.passed);
      const count = line.querySelector("[data-count]");
      count.textContent = `${lesson.done} of ${lesson.checks.length}`;
      count.classList.toggle("good", lesson.passed);
    }
    for (const check of lesson.checks) showCheck(check);
  }
}

function showCheck(check) {
  const line = document.querySelector(`[data-check="${check.id}"]`);
  if (!line) return;
  if (check.passed && line.classList.contains("open")) document.querySelector("[data-said]").textContent = `Passed: ${check.title}`;
  line.classList.toggle("passed", check.passed);
  line.classList.toggle("open", !check.passed);
  const state = line.querySelector("[data-state]");
  state.textContent = check.passed ? "passed" : "open";
  state.classList.toggle("good", check.passed);
  line.querySelector("[data-hint]").hidden = check.passed;
  const link = line.querySelector("[data-flow-link]");
  link.hidden = !check.flow;
  if (check.flow) link.href = check.flow;
}

async function watch() {
  if (document.visibilityState === "visible") await look().catch(() => {}); // the server may be away for a moment
  setTimeout(watch, every);
}

const now = document.querySelector("#now");
const ahead = Number(now.dataset.millis) - Date.now();
setInterval(() => {
  const t = new Date(Date.now() + ahead);
  now.dateTime = t.toISOString();
  const date = t.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
  now.textContent = `${date} ${t.toISOString().slice(11, 19)} UTC`;
}, 1000);

document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look().catch(() => {}));
watch();
