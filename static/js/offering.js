// What the endpoints of the ticked voices heed is offered, and no more. What only some of them heed says for which it
// counts; what none has is set aside, said to be left out, and comes back with a voice that has it.

import { listed } from "./amounts.js";
import { word } from "./words.js";

const form = document.querySelector("#studio");
const options = form?.querySelector("#options");
const endpoints = form && JSON.parse(form.querySelector("[data-heeds]").dataset.heeds);

export const controlOf = (field) => field.querySelector("select, input");
// They follow the voice, and stay as they are.
export const isSetting = (control) => Boolean(control.closest("#own-settings, #noise-strength"));

function wish(control) {
  if (control.type === "checkbox") return control.checked ? "on" : "";
  return control.value;
}

// Something new stands in it, or it is to be as it was at first: what was wanted before is forgotten.
export function put(control, value) {
  delete control.dataset.wanted;
  if (control.type === "checkbox") control.checked = Boolean(value);
  else if (!value && control.tagName === "SELECT") control.selectedIndex = 0;
  else control.value = value ?? (control.type === "range" ? control.defaultValue : "");
}

function setAside(control) {
  if (isSetting(control) || !wish(control)) return;
  const wanted = wish(control);
  put(control, "");
  control.dataset.wanted = wanted;
}

function giveBack(control) {
  const { wanted } = control.dataset;
  if (wanted === undefined) return;
  if (control.tagName === "SELECT" && [...control.options].find(({ value }) => value === wanted)?.disabled !== false) return;
  put(control, wanted);
}

function heeds(endpoint, name) {
  const model = form.elements.model.value;
  if (name === "model" && model && !(model in endpoint.models)) return false;
  return !(endpoint.models[model] ?? endpoint.lacks).includes(name);
}

// Models of the ticked voices' endpoints; of all while none is ticked.
function offerModels(at) {
  const { model } = form.elements;
  const having = at.filter(({ lacks }) => !lacks.includes("model"));
  for (const option of model.options) {
    option.hidden = option.disabled = option.value !== "" && at.length > 0 && !having.some(({ models }) => option.value in models);
  }
  if (model.selectedOptions[0]?.disabled) setAside(model);
  giveBack(model);
}

const names = (at) => listed(at.map(({ name }) => name));

// Of a setting of the voice: whether somebody has moved it. Presets name them all: what is as on every page was not.
function moved(field, control) {
  const { settings } = options.querySelector("#own-settings").dataset;
  const first = JSON.parse(settings)[control.name];
  if (!field.closest("#own-settings")) return false; // what it belongs to is said to be left out
  if (!form.elements.own_settings.checked || !field.hasAttribute("data-changed")) return false;
  return control.type === "checkbox" ? control.checked !== first : Math.abs(control.valueAsNumber - first) > 0.005;
}

function tell(leftOut, at) {
  const place = options.querySelector("#left-out");
  const lacking = at.filter((endpoint) => leftOut.some(({ dataset }) => !heeds(endpoint, dataset.option)));
  const labels = listed(leftOut.map((field) => field.querySelector("label").textContent));
  const words = leftOut.length ? word("options.left_out", { options: labels, endpoints: names(lacking) }) : "";
  if (place.textContent !== words) place.textContent = words;
}

export function offer() {
  const keys = [...form.querySelectorAll("input[name=voice]:checked")].map(({ dataset }) => dataset.endpoint);
  const at = [...new Set(keys)].map((key) => endpoints[key]);
  const leftOut = [];
  offerModels(at);
  for (const field of options.querySelectorAll("[data-option]")) {
    const name = field.dataset.option;
    const control = controlOf(field);
    const having = at.filter((endpoint) => heeds(endpoint, name));
    // Who wants nothing kept means by nobody.
    const enough = name === "zero_retention" ? having.length === at.length : having.length > 0;
    const offered = !at.length || enough;
    if (offered) giveBack(control);
    else setAside(control);
    control.disabled = !offered;
    field.hidden = !offered && !field.querySelector(".error");
    field.dataset.only = offered && having.length < at.length ? names(having) : "";
    field.querySelector(".only").textContent = field.dataset.only && word("options.only", { endpoints: field.dataset.only });
    if (!offered && (isSetting(control) ? moved(field, control) : control.dataset.wanted)) leftOut.push(field);
  }
  if (form.elements.model.dataset.wanted && !leftOut.some(({ dataset }) => dataset.option === "model")) {
    leftOut.push(options.querySelector("[data-option=model]"));
  }
  tell(leftOut, at);
}

if (form) form.dataset.offers = ""; // CSS leaves it to this module from here on
