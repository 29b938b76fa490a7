// Draws a flow as a sequence diagram: lanes, numbered arrows, notes. It measures and places; what it looks like says flow.css.

import { h, svg } from "./elements.js";
import { spoken } from "./words.js";

const line = 16; // height of a line of text
const fonts = { plain: "550 12.5px system-ui, sans-serif", mono: "11.5px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace", heavy: "600 12.5px system-ui, sans-serif" };
const ruler = document.createElement("canvas").getContext("2d");

const widths = new Map(); // most words come again

function widthOf(text, font) {
  const key = `${font} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    ruler.font = fonts[font];
    width = ruler.measureText(text).width;
    if (widths.size > 5000) {
      widths.clear();
    }
    widths.set(key, width);
  }
  return width;
}

// draw returns the heads of the lanes, which stay in view, and the diagram below them.
export function draw(flow, room, fresh, dense) {
  const gap = Math.max(Math.min(room / flow.lanes.length, 245), dense ? 92 : 118);
  const width = Math.max(gap * flow.lanes.length, Math.min(room, gap * flow.lanes.length));
  const x = new Map(flow.lanes.map((lane, i) => [lane.party, gap * (i + 0.5)]));
  const label = `Sequence diagram of “${flow.title}”: ${flow.lanes.map((l) => l.title).join(", ")}; ${flow.steps.length} steps`;

  const bars = svg("g", { class: "flow-bars" });
  const rows = svg("g", null);
  const numbers = svg("g", { class: "flow-numbers", "aria-hidden": "true" }); // what an arrow is called begins with its number anyway
  const begun = new Map(); // where the bar of an exchange begins
  let y = 16;
  for (const step of flow.steps) {
    const made = step.kind === "note" ? note(step, x, y, width, gap) : arrow(step, x, y, width);
    const group = svg("g", { class: ["flow-arrow", step.kind === "note" ? "flow-note" : step.dashed ? "flow-answer" : "flow-request", step.failed ? "flow-failed" : step.outcome === "asked" ? "flow-asked" : "", fresh.has(`${step.record} ${step.part}`) ? "flow-fresh" : ""].filter(Boolean).join(" "),
      role: "button", tabindex: "-1", "data-step": step.anchor, "aria-label": spoken(flow, step) }, made.shapes);
    rows.append(group);
    if (made.number) {
      numbers.append(made.number);
    }
    if (step.part === "request") {
      begun.set(step.record, made.at);
    } else if (step.part === "response" && begun.has(step.record)) {
      bars.append(svg("rect", { x: x.get(step.from) - 4, y: begun.get(step.record), width: 8, height: made.at - begun.get(step.record), rx: 2 }));
    }
    y += made.height;
  }
  const height = y + 14;
  const lifelines = flow.lanes.map((lane) => svg("line", { class: "flow-life", x1: x.get(lane.party), x2: x.get(lane.party), y1: 0, y2: height }));
  return h("div", { class: "flow-scroll" }, h("div", { class: "flow-heads", "aria-hidden": "true" }, heads(flow, x, width, gap)),
    svg("svg", { class: "flow-svg", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label }, lifelines, bars, rows, numbers));
}

function heads(flow, x, width, gap) {
  const w = Math.min(gap - 8, 190);
  const titles = flow.lanes.map((lane) => wrap([[lane.title, "heavy"]], w - 12, 2));
  const tall = Math.max(...titles.map((t) => t.length));
  const height = 42 + tall * 15;
  return svg("svg", { width, height: height + 6, viewBox: `0 0 ${width} ${height + 6}` }, flow.lanes.map((lane, i) => {
    const cx = x.get(lane.party);
    return svg("g", { class: `flow-lane flow-lane-${lane.party}` },
      svg("rect", { x: cx - w / 2, y: 3, width: w, height, rx: 12 }),
      svg("g", { class: "flow-icon", transform: `translate(${cx - 11} 9)` }, svg("path", { d: icons[lane.party] ?? icons.outside })),
      titles[i].map((t, n) => text(t, cx, 46 + n * 15)),
      svg("title", null, lane.title));
  }));
}

// arrow is a row with its text above the line.
function arrow(step, x, y, width) {
  const from = x.get(step.from);
  const to = x.get(step.to);
  const self = from === to;
  const right = to >= from;
  const span = Math.abs(to - from);
  const lines = wrap(runs(step), Math.max(span - 30, Math.min(width / 2, 172)), 3);
  const wide = Math.max(...lines.map((l) => l.width));
  const top = y + 4;
  const at = top + lines.length * line + 8; // of the line
  const middle = Math.min(Math.max(self ? from + 30 + wide / 2 : (from + to) / 2, wide / 2 + 6), width - wide / 2 - 6);
  const dir = right ? 1 : -1;
  const end = to - dir * 5;
  const start = from + dir * 5;
  const path = self ? `M${from + 5} ${at - 8}h26v16h-22` : `M${start} ${at}H${step.failed ? end - dir * 9 : end - dir * (step.dashed ? 1 : 6)}`;
  const tip = self ? from + 6 : end;
  const way = self ? -1 : dir;
  const tipY = self ? at + 8 : at;
  const shapes = [
    svg("rect", { class: "flow-hit", x: Math.min(from, to, middle - wide / 2) - 14, y, width: Math.max(from, to, middle + wide / 2) - Math.min(from, to, middle - wide / 2) + 28, height: at - y + 14, rx: 8 }),
    lines.map((l, i) => text(l, middle, top + 12 + i * line)),
    svg("path", { class: "flow-line", d: path }),
    step.failed ? svg("path", { class: "flow-cross", d: `M${tip - way * 14} ${tipY - 5}l10 10m0 -10l-10 10` })
      : step.dashed ? svg("path", { class: "flow-tip", d: `M${tip - way * 8} ${tipY - 5}L${tip} ${tipY}l${-way * 8} 5` })
        : svg("path", { class: "flow-tip", d: `M${tip} ${tipY}l${-way * 10} -5v10z` }),
  ];
  const number = svg("g", { class: ["flow-badge", step.dashed ? "flow-answer" : "flow-request", step.failed ? "flow-failed" : ""].join(" ") },
    svg("circle", { class: "flow-number", cx: from, cy: at, r: 9.500 }), svg("text", { class: "flow-digit", x: from, y: at + 3.800, "text-anchor": "middle" }, String(step.n)));
  return { shapes, number, height: at - y + 16, at };
}

// note is a decision, on the lane of who decided.
function note(step, x, y, width, gap) {
  const lines = wrap(runs(step), Math.max(gap - 12, 158), 3);
  const wide = Math.max(...lines.map((l) => l.width)) + 54;
  const high = lines.length * line + 14;
  const left = Math.min(Math.max(x.get(step.from) - wide / 2, 4), width - wide - 4);
  const top = y + 5;
  const cx = left + 18;
  const cy = top + high / 2;
  const shapes = [
    svg("rect", { class: "flow-hit", x: left - 4, y: y + 1, width: wide + 8, height: high + 8, rx: 10 }),
    svg("path", { class: "flow-paper", d: `M${left} ${top}h${wide - 10}l10 10v${high - 10}h${-wide}z` }),
    svg("path", { class: "flow-fold", d: `M${left + wide - 10} ${top}v10h10` }),
    step.failed ? svg("path", { class: "flow-mark", d: `M${cx - 4} ${cy - 9}h8l5 5v8l-5 5h-8l-5 -5v-8z` }) : svg("circle", { class: "flow-mark", cx, cy, r: 8.500 }),
    step.outcome === "asked" ? svg("text", { class: "flow-digit", x: cx, y: cy + 4, "text-anchor": "middle" }, "?")
      : svg("path", { class: "flow-sign", d: step.failed ? `M${cx - 3.500} ${cy - 3.500}l7 7m0 -7l-7 7` : `M${cx - 4} ${cy}l3 3l5 -6` }),
    lines.map((l, i) => text(l, left + 34, top + 18 + i * line, "start")),
  ];
  return { shapes, height: high + 12, at: y };
}

// runs are the parts of a label, each in its own letters: what goes over the wire, and what it is about.
function runs(step) {
  if (step.kind === "note") {
    const [kind, ...rest] = step.label.split(": ");
    return [[rest.length ? `${kind}:` : kind, "plain"], [rest.join(": "), "plain"]];
  }
  const [wire, ...about] = step.label.split(" · ");
  return [[wire, "mono"], [about.join(" · "), "plain"]];
}

// wrap breaks text into lines of a width, at most so many; more is cut.
function wrap(parts, room, most) {
  const space = widthOf(" ", "plain");
  const lines = [{ runs: [], width: 0 }];
  for (const [words, font] of parts) {
    for (let word of words.split(" ").filter(Boolean)) {
      let wide = widthOf(word, font);
      while (wide > room) { // one word that is too long, such as a path
        const fits = longest(word, font, room);
        put(lines, word.slice(0, fits), font, room, room, space);
      lines.at(-1).broken = true;
        word = word.slice(fits);
        wide = widthOf(word, font);
      }
      put(lines, word, font, wide, room, space);
    }
  }
  const shown = lines.slice(0, most);
  if (lines.length > most) {
    const last = shown[most - 1];
    last.runs[last.runs.length - 1] = [`${last.runs.at(-1)[0].slice(0, -1)}…`, last.runs.at(-1)[1]];
  }
  return shown;
}

function longest(word, font, room) {
  let n = Math.max(1, Math.floor((word.length * room) / widthOf(word, font)) - 1);
  const at = Math.max(word.lastIndexOf("/", n), word.lastIndexOf("-", n)); // a good place to break
  if (at > n / 2) {
    n = at + (word[at] === "-" ? 1 : 0);
  }
  return Math.max(n, 1);
}

function put(lines, word, font, wide, room, space) {
  let last = lines.at(-1);
  if (last.width && last.width + space + wide > room) {
    last = { runs: [], width: 0 };
    lines.push(last);
  }
  const before = last.runs.at(-1);
  if (before && before[1] === font) {
    before[0] += ` ${word}`;
  } else {
    last.runs.push([before ? ` ${word}` : word, font]);
  }
  last.width += (last.width ? space : 0) + wide;
}

function text(l, x, y, anchor = "middle") {
  // The space at the end is for ears only: without it the words of two lines would be one.
  return svg("text", { class: "flow-label", x, y, "text-anchor": anchor }, l.runs.map(([words, font]) => svg("tspan", { class: `flow-${font}` }, words)), l.broken ? null : " ");
}

// Icons of 22 by 22, drawn with one pen.
const icons = {
  browser: "M2 4.500a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2v13a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2zM2 8h18M5 5.300h.1M8 5.300h.1M11 5.300h.1",
  app: "M3 4h16a1.500 1.500 0 0 1 1.500 1.500v9A1.500 1.500 0 0 1 19 16h-8l-5 4v-4H3a1.500 1.500 0 0 1-1.500-1.500v-9A1.500 1.500 0 0 1 3 4zM7 10h.1M11 10h.1M15 10h.1",
  oauth: "M11 1.500l8 3v6c0 5-3.400 8.400-8 10-4.600-1.600-8-5-8-10v-6zM7.500 11l2.500 2.500 4.500-5",
  jwks: "M8 14.500a4.500 4.500 0 1 1 3.900-6.700H20.500v3.400h-2v3h-3.500v-3h-3.100A4.500 4.500 0 0 1 8 14.500zM7.500 10h.1",
  mcp: "M3 3h16v6H3zM3 13h16v6H3zM6.500 6h.1M6.500 16h.1M11 6h5M11 16h5",
  client: "M2 3.500h18v15H2zM5.500 8l3 3-3 3M11 14.500h5",
  outside: "M11 1.500a9.500 9.500 0 1 0 0 19a9.500 9.500 0 1 0 0-19zM1.500 11h19M11 1.500c-6 5.500-6 13.500 0 19M11 1.500c6 5.500 6 13.500 0 19",
};

