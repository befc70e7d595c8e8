// The options: only what the chosen voice's endpoint can do is sent, what was chosen is said beside the heading, and all can be reset.

const form = document.querySelector("#studio");

if (form) {
  const options = form.querySelector("#options");
  const reset = options.querySelector("#reset-options");
  const own = options.querySelector("#own-settings");
  const models = JSON.parse(form.querySelector("[data-models]").dataset.models);
  const { own_settings: ownSettings, model } = form.elements;

  // CSS hides what can't be done; what can't be seen isn't sent either, and comes back with the voice.
  function offer() {
    const voices = [...form.querySelectorAll("input[name=voice]:checked")];
    for (const field of options.querySelectorAll("[data-needs]")) {
      field.querySelector("input").disabled = !voices.every((voice) => voice.hasAttribute(`data-${field.dataset.needs}`));
    }
    const offered = voices.map((voice) => models[voice.dataset.endpoint] ?? []);
    for (const option of model.options) {
      option.hidden = option.disabled = option.value !== "" && !offered.every((ids) => ids.includes(option.value));
    }
    if (model.selectedOptions[0]?.disabled) model.value = "";
  }

  // What stands in a control that isn't as it was: of a list its words, of a box whether it is ticked. Null: unchanged.
  function changed(field) {
    const control = field.querySelector("select, input");
    if (control.disabled) return null;
    if (own.contains(field)) {
      if (!ownSettings.checked || !field.hasAttribute("data-changed")) return null;
      return field.querySelector("output")?.textContent ?? (control.checked ? own.dataset.on : own.dataset.off);
    }
    if (control.type === "checkbox") return control.checked ? "" : null;
    if (control.tagName === "SELECT") return control.selectedIndex > 0 ? control.selectedOptions[0].textContent : null;
    return control.value || null;
  }

  function say() {
    const parts = [];
    for (const field of options.querySelectorAll("[data-says]")) {
      const value = changed(field);
      if (value !== null) parts.push(field.dataset.says.replace("{value}", value));
    }
    reset.hidden = !parts.length && !ownSettings.checked;
    const format = form.elements.output_format;
    if (format.selectedIndex === 0) parts.unshift(format.selectedOptions[0].textContent); // always said: it is what one gets
    options.querySelector("#chosen-options").textContent = parts.join(" · ");
  }

  // The first of every list is what is taken when nobody chooses.
  function resetAll() {
    for (const control of options.querySelectorAll("select, input")) {
      if (own.contains(control)) continue; // they follow the voice once the box above them is off
      if (control.type === "checkbox") control.checked = false;
      else if (control.tagName === "SELECT") control.selectedIndex = 0;
      else control.value = "";
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
