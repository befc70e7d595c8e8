// Ways in: files that are chosen, dropped anywhere on the Studio, or pasted.

import { addAll } from "./recordings.js";

const form = document.querySelector("#studio");

if (form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop");
  const carriesFiles = (transfer) => transfer?.types.includes("Files");
  const frozen = () => zone.closest("[inert]");
  let depth = 0; // enter and leave come for every element on the way

  // A folder comes as what looks like a file, too, but can't be read.
  const filesOf = (transfer) =>
    [...transfer.items]
      .filter((item) => item.kind === "file" && !item.webkitGetAsEntry?.()?.isDirectory)
      .map((item) => item.getAsFile());

  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event.dataTransfer) || frozen()) return;
    depth += 1;
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event.dataTransfer)) return;
    depth -= 1;
    if (depth <= 0) zone.classList.remove("over");
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event.dataTransfer)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    depth = 0;
    zone.classList.remove("over");
    if (!carriesFiles(event.dataTransfer)) return;
    event.preventDefault(); // else the browser would leave the page for the file
    if (!frozen()) addAll(filesOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || frozen()) return;
    event.preventDefault();
    addAll(event.clipboardData.files);
  });
  input.addEventListener("change", () => addAll([...input.files]));
  addEventListener("pageshow", () => addAll([...input.files])); // a browser may bring the choices back with the page
}
