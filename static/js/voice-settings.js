// The voice's own settings: they follow the chosen voice until someone changes them, say their values, and can be reset.

const form = document.querySelector("#studio");

if (form) {
  const group = form.querySelector("#own-settings");
  const defaults = JSON.parse(group.dataset.settings);
  const fields = [...group.querySelectorAll(".field")].map((field) => ({ field, control: field.querySelector("input") }));
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

  function show() {
    for (const { field, control } of fields) {
      field.toggleAttribute("data-changed", differs(control));
      if (control.type === "checkbox") continue;
      // Between nothing and all: in percent. Else it is a factor.
      const words = control.max === "1" ? percent.format(control.value) : `${factor.format(control.value)}×`;
      field.querySelector("output").textContent = words;
      control.setAttribute("aria-valuetext", words);
      field.querySelector("[data-reset]").hidden = !differs(control);
    }
  }

  function follow() {
    if (!form.elements.own_settings.checked) for (const { control } of fields) put(control);
    show();
  }

  for (const { field, control } of fields) {
    field.querySelector("[data-reset]")?.addEventListener("click", () => {
      put(control);
      control.dispatchEvent(new Event("change", { bubbles: true }));
      control.focus(); // the button is gone
    });
  }
  group.addEventListener("input", () => {
    form.elements.own_settings.checked = true; // where CSS can't hide them: who moves one wants it
    show();
  });
  form.addEventListener("change", follow);
  addEventListener("pageshow", follow); // a browser may bring the choices back with the page
}
