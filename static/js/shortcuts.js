// The list of keyboard shortcuts: "?" or its button opens it, and who is disturbed by single keys turns them off there.
// Other modules read `document.body.dataset.shortcuts`.

import { isTyping } from "./typing.js";

const dialog = document.querySelector("#shortcuts");

for (const button of document.querySelectorAll("[data-opens=shortcuts]")) {
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.body.dataset.shortcuts === "off" || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  dialog.showModal();
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close(); // beside it
});

document.querySelector("#shortcuts-on").addEventListener("change", (event) => {
  document.body.dataset.shortcuts = event.target.checked ? "on" : "off";
});
