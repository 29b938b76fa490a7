// The steps of a flow as an ordered list: the same as the diagram, for narrow windows and for whoever likes to read.

import { h } from "./elements.js";
import { titleOf } from "./words.js";

export function steps(flow, fresh) {
  return h("ol", { class: "flow-steps", "aria-label": `Steps of “${flow.title}”` }, flow.steps.map((step) => {
    const note = step.kind === "note";
    const cls = ["flow-item", note ? "flow-item-note" : step.dashed ? "flow-item-answer" : "flow-item-request", step.failed ? "flow-failed" : step.outcome === "asked" ? "flow-asked" : "", fresh.has(`${step.record} ${step.part}`) ? "flow-fresh" : ""];
    return h("li", null, h("button", { type: "button", class: cls.filter(Boolean).join(" "), "data-step": step.anchor },
      h("b", { class: note ? "flow-n flow-n-note" : "flow-n", "aria-hidden": note ? "true" : null }, note ? mark(step) : String(step.n)),
      h("span", { class: "flow-words" },
        h("span", { class: "flow-way" }, note ? titleOf(flow, step.from) : [titleOf(flow, step.from), h("span", { class: "flow-to", "aria-hidden": "true" }, step.dashed ? " ⇢ " : " → "), h("span", { class: "flow-hidden" }, step.dashed ? " answers " : " to "), titleOf(flow, step.to)]),
        h("span", { class: "flow-text" }, step.failed ? h("span", { class: "flow-bad" }, "✕ ") : null, step.label))));
  }));
}

function mark(step) {
  return step.failed ? "✕" : step.outcome === "asked" ? "?" : "✓";
}
