// The options: what was chosen is said beside the heading, and all can be reset. What there is to choose: offering.js.

import { controlOf, isSetting, offer, put } from "./offering.js";
import { word } from "./words.js";

const form = document.querySelector("#studio");

if (form) {
  const options = form.querySelector("#options");
  const reset = options.querySelector("#reset-options");
  const own = options.querySelector("#own-settings");
  const { own_settings: ownSettings, remove_background_noise: noise } = form.elements;

  // What stands in a control that isn't as it was: of a list its words, of a box whether it is ticked. Null: unchanged.
  function changed(field) {
    const control = controlOf(field);
    if (control.disabled) return null;
    if (isSetting(control)) {
      const asked = own.contains(field) ? ownSettings : noise;
      if (!asked.checked || !field.hasAttribute("data-changed")) return null;
      return field.querySelector("output")?.textContent ?? (control.checked ? word("options.on") : word("options.off"));
    }
    if (control.type === "checkbox") return control.checked ? "" : null;
    if (control.tagName === "SELECT") return control.selectedIndex > 0 ? control.selectedOptions[0].textContent : null;
    return control.value || null;
  }

  function say() {
    const parts = [];
    for (const field of options.querySelectorAll("[data-says]")) {
      const value = changed(field);
      if (value === null) continue;
      const words = field.dataset.says.replace("{value}", () => value);
      const { only } = field.dataset;
      parts.push(only ? word("options.part", { option: words, endpoints: only }) : words);
    }
    reset.hidden = !parts.length && !ownSettings.checked;
    const format = form.elements.output_format;
    if (format.selectedIndex === 0) parts.unshift(format.selectedOptions[0].textContent); // always said: it is what one gets
    options.querySelector("#chosen-options").textContent = parts.join(" · ");
  }

  // The first of every list is what is taken when nobody chooses.
  function resetAll() {
    for (const control of options.querySelectorAll("select, input")) {
      if (!isSetting(control)) put(control, ""); // those follow the voice once the box above them is off
    }
    options.dispatchEvent(new Event("change", { bubbles: true }));
    options.querySelector("summary").focus(); // the button is gone
  }

  function update() {
    offer();
    say();
  }

  reset.querySelector("button").addEventListener("click", resetAll);
  options.addEventListener("input", say);
  form.addEventListener("change", update);
  addEventListener("pageshow", update); // a browser may bring the choices back with the page
}
