// What a step is in words.

export function titleOf(flow, party) {
  return flow.lanes.find((l) => l.party === party)?.title ?? party;
}

// spoken is a step as a screen reader says it. The words that are drawn are among them (WCAG 2.5.3).
export function spoken(flow, step) {
  const failed = step.failed ? ", refused or failed" : "";
  if (step.kind === "note") {
    return `Decision at ${titleOf(flow, step.from)}: ${step.label}${failed}`;
  }
  return `${step.n}. ${titleOf(flow, step.from)} ${step.dashed ? "answers" : "asks"} ${titleOf(flow, step.to)}: ${step.label.split(" · ").join(", ")}${failed}`;
}
