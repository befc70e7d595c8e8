// Links are copied at a press. Where the page may not (it came over plain HTTP), the older way is tried, and else the
// link is marked.

import { word } from "./words.js";

async function copy(field) {
  field.select();
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else if (!document.execCommand("copy")) return "refused";
    return "done";
  } catch {
    return "refused";
  }
}

for (const button of document.querySelectorAll("[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const said = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    said.textContent = (await copy(field)) === "done" ? word("copying.done") : word("copying.refused");
  });
}
