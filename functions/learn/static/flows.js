// The list and the comparison: times of the reader's own clock, two flows to choose, and only what differs.

const dateTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
for (const time of document.querySelectorAll("time")) {
  time.title = time.dateTime;
  time.textContent = dateTime.format(new Date(time.dateTime));
}

const flows = document.getElementById("flows");
if (flows) {
  const boxes = [...flows.querySelectorAll("[name=flow]")];
  const button = document.getElementById("compare");
  const hint = document.getElementById("compare-hint");
  const check = () => {
    const picked = boxes.filter((b) => b.checked);
    button.disabled = picked.length !== 2;
    button.classList.toggle("quiet", picked.length !== 2);
    boxes.forEach((b) => { b.disabled = picked.length === 2 && !b.checked; });
    hint.textContent = ["Tick two flows to see them side by side.", "Tick one more.", ""][picked.length];
  };
  flows.addEventListener("change", check);
  window.addEventListener("pageshow", check); // ticks that the browser brought back
  check();
}

const only = document.getElementById("only-different");
if (only) {
  const check = () => document.querySelector(".flow-compare").classList.toggle("flow-only-different", only.checked);
  only.addEventListener("change", check);
  check();
}
