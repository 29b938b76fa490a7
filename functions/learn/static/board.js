// The board of a workshop: who has passed which lesson.
"use strict";

const every = 4000; // milliseconds
const people = document.querySelector("#people");
const said = document.querySelector("#said");

function cell(tag, text, className) {
  const e = document.createElement(tag);
  e.textContent = text;
  if (className) e.className = className;
  return e;
}

async function all() {
  const found = [];
  let lessons = [];
  let cursor = "";
  for (let page = 0; page < 10; page++) { // 500 people
    const answer = await fetch("/learn/api/board?" + new URLSearchParams({ prefix: people.dataset.prefix, cursor }), { cache: "no-store" });
    const got = await answer.json();
    if (!answer.ok) throw new Error(got.detail);
    lessons = got.lessons;
    found.push(...got.people);
    cursor = got.next;
    if (!cursor) break;
  }
  return { lessons, people: found };
}

function row(lessons, person) {
  const line = document.createElement("tr");
  const name = cell("th", person.username);
  name.scope = "row";
  line.append(name);
  for (const lesson of lessons) {
    const done = lesson.checks.filter((c) => person.checks[c]).length;
    const passed = lesson.id in person.passed;
    line.append(cell("td", passed ? "✓" : done ? `${done}/${lesson.checks.length}` : "–", passed ? "yes" : "muted"));
  }
  return line;
}

async function watch() {
  try {
    const board = await all();
    people.replaceChildren(...board.people.map((p) => row(board.lessons, p)));
    said.textContent = board.people.length === 0 ? "Nobody has such a username." : `${board.people.length} ${board.people.length === 1 ? "person" : "people"}. A fraction says how many checks of a lesson are passed.`;
  } catch (e) {
    said.textContent = `The board could not be read: ${e.message}`;
  }
  setTimeout(watch, every);
}
watch();
