// Comments have places in the recording: a press on one goes there, and a new one is about where one listens, unless
// somebody writes another time or has begun to write. Around compare.js, which plays.

import { writeMoment } from "./moments.js";

const compare = document.querySelector("#compare");
const form = document.querySelector("#comment");
const NAME = "timbre.name"; // who comments again signs again; kept by the tab alone

let chosen = false;

// Who blocks cookies has no such store.
function store() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

compare.addEventListener("compare:moved", (event) => {
  if (!form || chosen || form.elements.text.value) return;
  const at_s = event.detail.fraction * event.detail.length;
  form.elements.at.value = at_s ? writeMoment(Math.floor(at_s * 10) / 10) : "";
});

for (const link of document.querySelectorAll(".comments [data-at]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    compare.dispatchEvent(new CustomEvent("compare:go", { detail: Number(link.dataset.at) }));
    compare.scrollIntoView({ block: "nearest" });
  });
}

if (form) {
  chosen = Boolean(form.elements.at.value); // the page came back with what couldn't be taken
  form.elements.at.addEventListener("input", () => (chosen = true));
  form.elements.name.value ||= store()?.getItem(NAME) ?? "";
  form.addEventListener("submit", () => store()?.setItem(NAME, form.elements.name.value));
}
