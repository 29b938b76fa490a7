// Builds elements. What comes from outside becomes text nodes and attributes, never HTML: the page's policy forbids that too
// (Trusted Types), so a name such as "<img onerror=…>" is only ever a strange name.

const svgNS = "http://www.w3.org/2000/svg";

// h makes an HTML element: h("a", {href: "/", onclick: f}, "text", [more], null).
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// svg makes an SVG element.
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(svgNS, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "value") {
      element.value = value; // a textarea has no such attribute
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  add(element, children);
  return element;
}

export function add(element, ...children) {
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
}

export function replace(element, ...children) {
  element.replaceChildren();
  add(element, ...children);
}

let ids = 0;

// newID is an id that no other element of the page has.
export function newID(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}
