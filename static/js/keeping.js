// Keeps the list of recordings on the shelf, and brings back what a reload left there. With zero retention nothing is kept.

import { add, aside, changes, entries, made, setAside } from "./recordings.js";
import * as shelf from "./shelf.js";
import { word } from "./words.js";

const form = document.querySelector("#studio");
const words = form?.querySelector("#shelf-words");

export function mayKeep() {
  const box = form.elements.zero_retention;
  return !box?.checked || box.disabled;
}

// Whether it was done. Whatever the shelf does, everything goes on.
export async function trying(work) {
  try {
    await work();
    return true;
  } catch (error) {
    console.info("not kept in this browser:", error);
    return false;
  }
}

// Like `trying`; what isn't kept is said.
export async function storing(work) {
  const stored = await trying(work);
  if (!stored) words.textContent = word("shelf.unkept");
  return stored;
}

// One after the other: what is removed while it is being stored must be gone in the end.
const inTurn = (entry, work) => (entry.turn = (entry.turn ?? Promise.resolve()).then(work));

const keep = (entry) =>
  inTurn(entry, async () => {
    const { id, file, recorded, kept, never, noRoom } = entry;
    if (!file || never || kept || noRoom || !entries.includes(entry) || !mayKeep()) return;
    entry.kept = await storing(() => shelf.keep({ id, name: file.name, type: file.type, recorded }, file));
    entry.noRoom = !entry.kept; // trying again at each change could copy gigabytes each time
  });

export const forget = (entry) =>
  inTurn(entry, async () => {
    if (entry.kept) await trying(() => shelf.forget(entry.id));
    entry.kept = false;
  });

// What is set aside stays there for a while; brought back, it may have gone meanwhile.
const markAside = (entry) =>
  inTurn(entry, () => (entry.kept ? trying(() => shelf.mark(entry.id, { removed: entry.removed, running: false })) : null));

const markBack = (entry) => {
  inTurn(entry, async () => {
    if (entry.kept) await trying(async () => (entry.kept = await shelf.mark(entry.id, { removed: null })));
  });
  keep(entry);
};

// How far its sending has come: what a reload interrupts must say so.
export const mark = (entry, state) =>
  inTurn(entry, () => (entry.kept ? trying(() => shelf.mark(entry.id, { state })) : null));

function noteOf({ cut, running, state }) {
  if (state === "arrived") return word("shelf.arrived");
  if (state === "untaken") return word("shelf.untaken");
  if (state === "sending") return word("shelf.stopped");
  return cut || running ? word("shelf.cut") : word("shelf.back");
}

async function bringBack() {
  let left = [];
  await trying(async () => (left = await shelf.takeOver()));
  for (const row of left) {
    const { id, file, recorded, running, removed } = row;
    if (removed) {
      setAside(made(file, { id, recorded, removed, kept: true, note: noteOf(row) }));
      continue;
    }
    const entry = add(file, { id, recorded, kept: true, note: noteOf(row) });
    if (!entry) trying(() => shelf.forget(id)); // the browser itself had brought it back
    else if (running) trying(() => shelf.mark(id, { running: false, cut: true }));
  }
}

if (form) {
  const follow = () => {
    entries.forEach(mayKeep() ? keep : forget);
    if (!mayKeep()) for (const { entry } of aside) forget(entry);
  };
  changes.addEventListener("add", ({ detail }) => keep(detail));
  changes.addEventListener("remove", ({ detail }) => forget(detail));
  changes.addEventListener("change", ({ detail }) => {
    if (detail.never && !detail.recorded) forget(detail); // it was kept before it was known to be of no use
  });
  changes.addEventListener("aside", ({ detail }) => markAside(detail));
  changes.addEventListener("back", ({ detail }) => markBack(detail));
  // Another voice or a preset may move the box, once those who look after it have heard of them.
  form.addEventListener("change", () => setTimeout(follow));
  addEventListener("beforeunload", (event) => {
    if (entries.some(({ recorded, kept }) => recorded && !kept)) event.preventDefault(); // nobody has it but this page
  });
  bringBack();
}
