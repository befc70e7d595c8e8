// The words that scripts show: the page brings them, in its language (conversions/pages/scripts.py).

const language = document.documentElement.lang;
const plurals = new Intl.PluralRules(language);
const figures = new Intl.NumberFormat(language);
const held = JSON.parse(document.querySelector("#words").textContent);

function find(key) {
  const found = key.split(".").reduce((group, name) => group?.[name], held);
  if (found === undefined) console.error(`this page has no words for ${key}`);
  return found ?? "";
}

// With `values` in the places that have their names in braces; places without a value stay as they are.
export const word = (key, values = {}) => find(key).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);

// The words for this many, with the number in place of {n}.
export function counted(key, n) {
  const forms = find(key);
  return (forms[plurals.select(n)] ?? forms.other ?? "").replace("{n}", figures.format(n));
}
