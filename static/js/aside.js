// What was taken out of the list can be had back: the last one first, as long as this page is open. What lies on the shelf
// outlives the page for a few minutes (shelf.js). The focus goes to Undo, so that Enter pressed again destroys nothing.

import { aside, bringBack, changes } from "./recordings.js";
import { word } from "./words.js";

const form = document.querySelector("#studio");
const words = form?.querySelector("#removed");
const undo = form?.querySelector("#undo");

function show() {
  undo.hidden = !aside.length;
  words.textContent = aside.length ? word("list.removed", { name: aside.at(-1).entry.name }) : "";
}

export function focusUndo() {
  undo.focus();
}

if (form) {
  for (const what of ["aside", "back", "remove"]) changes.addEventListener(what, show);
  undo.addEventListener("click", () => {
    bringBack();
    if (document.activeElement === document.body) form.querySelector("#files > :last-child").focus(); // it was there already
  });
}
