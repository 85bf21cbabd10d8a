"use strict";
/* Making elements. Text from records is only ever set as text, never as HTML. */

/** An HTML element: attributes, listeners (functions, by the event's name) and children. */
function html(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An SVG element, in the same way. */
function svg(name, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

function place(id, ...children) {
  const element = document.getElementById(id);
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return element;
}

/** A labelled choice; `options` are [value, text] and `chosen` is called with the value. */
function choice(label, options, value, chosen) {
  const select = html("select", { "aria-label": label, change: () => chosen(select.value) },
    options.map(([key, text]) => html("option", { value: key, selected: String(key) === String(value) }, text)));
  return html("span", { class: "choice" }, html("span", { "aria-hidden": "true" }, label), select);
}

/** A number for people: few digits, a real minus sign. */
function number(value, digits = 3) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "string") return value;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-3 ? value.toExponential(digits - 1).replace("e+", "e")
    : Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

function counted(count, noun, several) {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : several || noun + "s"}`;
}
