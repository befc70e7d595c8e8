// The voice's own settings, and how strongly noise is removed: they follow the chosen voice until someone changes them,
// say their values, and can be reset.

const form = document.querySelector("#studio");

if (form) {
  const group = form.querySelector("#own-settings");
  const defaults = JSON.parse(group.dataset.settings);
  const strength = form.querySelector("#noise-strength");
  const fields = [...form.querySelectorAll(":is(#own-settings, #noise-strength) .field")]
    .map((field) => ({ field, control: field.querySelector("input") }));
  const language = document.documentElement.lang;
  const percent = new Intl.NumberFormat(language, { style: "percent" });
  const factor = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });

  // What the chosen voice was made with; where it doesn't say, what the page began with.
  function stored({ name }) {
    const voice = form.querySelector("input[name=voice]:checked");
    return JSON.parse(voice?.dataset.settings || "{}")[name] ?? defaults[name];
  }

  function put(control) {
    if (control.type === "checkbox") control.checked = stored(control);
    else control.value = stored(control);
  }

  function differs(control) {
    if (control.type === "checkbox") return control.checked !== stored(control);
    return Math.abs(control.valueAsNumber - stored(control)) > 0.005; // half a step of the slider
  }

  // Between nothing and all: in percent. Else, without a unit, it is a factor.
  function said({ max, value }, unit) {
    if (unit) return `${factor.format(value)} ${unit}`;
    return max === "1" ? percent.format(value) : `${factor.format(value)}×`;
  }

  // Whether somebody may have moved it: what it belongs to is ticked, or was, and is set aside (offering.js).
  function isAsked(control) {
    const { own_settings: own, remove_background_noise: noise } = form.elements;
    return strength.contains(control) ? noise.checked || "wanted" in noise.dataset : own.checked;
  }

  function show() {
    for (const { field, control } of fields) {
      field.toggleAttribute("data-changed", differs(control));
      if (control.type === "checkbox") continue;
      const output = field.querySelector("output");
      const words = said(control, output.dataset.unit);
      output.textContent = words;
      control.setAttribute("aria-valuetext", words);
      field.querySelector("[data-reset]").hidden = !differs(control);
    }
  }

  function follow() {
    for (const { control } of fields) if (!isAsked(control)) put(control);
    show();
  }

  for (const { field, control } of fields) {
    field.querySelector("[data-reset]")?.addEventListener("click", () => {
      put(control);
      control.dispatchEvent(new Event("change", { bubbles: true }));
      control.focus(); // the button is gone
    });
  }
  // Where CSS can't hide them: who moves one wants it.
  for (const [asked, name] of [[group, "own_settings"], [strength, "remove_background_noise"]]) {
    asked.addEventListener("input", () => {
      form.elements[name].checked = true;
      show();
    });
  }
  form.addEventListener("change", follow);
  addEventListener("pageshow", follow); // a browser may bring the choices back with the page
}
