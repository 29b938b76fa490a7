// Draws a flow wherever a page has an element with data-flow: the id of a flow, or "latest".

import { mount } from "./diagram.js";

for (const element of document.querySelectorAll("[data-flow]")) {
  mount(element, { flow: element.dataset.flow, deep: "deep" in element.dataset });
}
