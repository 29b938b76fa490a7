// What a step is in words.

export function titleOf(flow, party) {
  return flow.lanes.find((l) => l.party === party)?.title ?? party;
}

export function words(step) {
  return step.label;
}

// spoken is a step as a screen reader says it.
export function spoken(flow, step) {
  const failed = step.failed ? ", refused or failed" : "";
  if (step.kind === "note") {
    return `Decision at ${titleOf(flow, step.from)}: ${step.label}${failed}`;
  }
  return `${step.n}. ${titleOf(flow, step.from)} ${step.dashed ? "answers" : "asks"} ${titleOf(flow, step.to)}: ${step.label}${failed}`;
}
