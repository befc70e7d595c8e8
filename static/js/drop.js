// Ways in: files that are chosen, dropped anywhere on the Studio (also in a folder), or pasted.

import { complain } from "./answers.js";
import { addAll } from "./recordings.js";
import { word } from "./words.js";

const read = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

// All files in a folder and in those that are in it, by name; what can't be read is left out.
async function filesIn(folder) {
  const reader = folder.createReader();
  const more = () => new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
  const inside = [];
  for (let some = await more(); some.length; some = await more()) inside.push(...some); // a hundred at a time
  inside.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const found = await Promise.all(inside.map((entry) => (entry.isDirectory ? filesIn(entry) : read(entry).catch(() => []))));
  return found.flat();
}

const form = document.querySelector("#studio");

if (form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop");
  const carriesFiles = (transfer) => transfer?.types.includes("Files");
  const frozen = () => zone.closest("[inert]");
  let depth = 0; // enter and leave come for every element on the way

  // Whoever drops a folder means the recordings in it, not the notes and pictures beside them.
  const raw = input.accept.split(",").filter((kind) => kind.startsWith("."));
  const sounds = ({ name, type }) => /^(audio|video)\//.test(type) || raw.some((end) => name.toLowerCase().endsWith(end));

  async function addFolder(folder) {
    const recordings = (await filesIn(folder)).filter(sounds);
    if (frozen()) return;
    addAll(recordings);
    if (!recordings.length) complain(word("recording.not_in_folder", { name: folder.name }));
  }

  // A folder comes as what looks like a file, too. What was dropped can be asked for its files only at once.
  function take({ items }) {
    const dropped = [...items].filter(({ kind }) => kind === "file");
    const folders = dropped.map((item) => item.webkitGetAsEntry?.());
    addAll(dropped.filter((_item, place) => !folders[place]?.isDirectory).map((item) => item.getAsFile()));
    for (const entry of folders) if (entry?.isDirectory) addFolder(entry);
  }

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
    if (!frozen()) take(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || frozen()) return;
    event.preventDefault();
    addAll(event.clipboardData.files);
  });
  input.addEventListener("change", () => addAll([...input.files]));
  addEventListener("pageshow", () => addAll([...input.files])); // a browser may bring the choices back with the page
}
