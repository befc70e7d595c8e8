// A preset's options go into the form without leaving the page, and the present ones are saved under a name.

import { put } from "./offering.js";
import { word } from "./words.js";

const OPTIONS = "select, input:not([name^=preset_], [name=zero_retention], [name=only_me])";
const form = document.querySelector("#studio");

if (form) {
  const options = form.querySelector("#options");
  const save = form.querySelector("#save-preset");
  const status = save.querySelector("[role=status]");

  // What a preset doesn't name is as the page began: a preset is a whole, not something on top of another. But who may
  // see the result, and how long it is kept, is said of a recording; no preset changes it.
  function apply(chip) {
    const values = JSON.parse(chip.dataset.options);
    const own = options.querySelector("#own-settings");
    for (const control of options.querySelectorAll(OPTIONS)) {
      if (own.contains(control) && !values.own_settings) continue; // they follow the voice
      put(control, values[control.name]);
    }
    options.dispatchEvent(new Event("change", { bubbles: true }));
    mark(chip);
  }

  function mark(chip) {
    for (const other of options.querySelectorAll("[data-preset]")) {
      if (other === chip) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
  }

  options.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-preset]");
    if (!chip || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    apply(chip);
  });
  // Changed by hand: it is that preset no longer.
  options.addEventListener("input", (event) => event.target.closest("#save-preset") || mark(null));
  options.querySelector("#reset-options").addEventListener("click", () => mark(null));

  let busy = false;

  async function send(button) {
    if (busy) return; // a second press
    busy = true;
    await keep(button);
    busy = false;
  }

  async function keep(button) {
    const body = new FormData(form);
    for (const name of ["audio", "take", "voice", "batch"]) body.delete(name);
    const headers = { "HX-Request": "true" };
    const answer = await fetch(button.formAction, { method: "POST", body, headers }).catch(() => null);
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    const list = page?.querySelector("#presets");
    if (!list) return void (status.textContent = word("options.lost"));
    options.querySelector("#presets").replaceWith(list);
    if (!answer.ok) return void form.elements.preset_name.focus();
    status.textContent = word("options.saved", { name: form.elements.preset_name.value });
    form.elements.preset_name.value = "";
  }

  const button = save.querySelector("button");
  button.addEventListener("click", (event) => {
    event.preventDefault();
    send(button);
  });
  form.elements.preset_name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the name is for the preset, not a wish to convert
    send(button);
  });
}
