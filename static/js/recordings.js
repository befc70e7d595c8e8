// The recordings that are chosen and not accepted yet: one list. The form's file input always holds its files.

import { inspect } from "./inspecting.js";
import { word } from "./words.js";

const form = document.querySelector("#studio");
const input = form?.querySelector("input[type=file]");

// Told are "add", "remove", "aside", "back" and "change" with the entry, and what people ask for at its row: "stop" and "again".
export const changes = new EventTarget();
export const entries = [];
export const aside = []; // taken out, and still to be had: { entry, index }
let places = 0; // in the order in which they were chosen, in which they stay together

export const tell = (what, entry) => changes.dispatchEvent(new CustomEvent(what, { detail: entry }));

function sync() {
  const files = new DataTransfer();
  for (const { file } of entries) if (file) files.items.add(file);
  input.files = files.files;
  input.required = !entries.some(({ take }) => take);
}

// Chosen twice, it is still one.
const same = (one, other) => one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;

// A UUID, also where the page came over plain HTTP and the browser makes none. Under it a recording is accepted once.
function number() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // RFC 9562: version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map((byte, place) => ([4, 6, 8, 10].includes(place) ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
}

// `facts`: what is known beside the file; id, seconds, note, recorded (with the microphone), kept (on the shelf).
export function add(file, facts = {}) {
  if (hasFile(file)) {
    sync();
    return null; // it is in the list already
  }
  const entry = made(file, facts);
  entries.push(entry);
  sync();
  tell("add", entry);
  return entry;
}

const hasFile = (file) => entries.some((entry) => entry.file && same(entry.file, file));

// An entry that isn't in the list yet.
export function made(file, facts) {
  const entry = { id: number(), file, name: file.name, size: file.size, place: places++, ...facts };
  entry.once = entry.id; // it comes back from the shelf under the same
  if (entry.recorded) entry.name = file.name.replace(/\.\w+$/, ""); // nobody chose its kind
  const { limit, room } = form.querySelector("#recording").dataset;
  entry.never = file.size > Math.min(limit, room); // no use in sending it
  if (file.size > Number(limit)) entry.problem = word("recording.too_large");
  else if (entry.never) entry.problem = word("recording.no_room");
  else entry.looked = look(entry);
  return entry;
}

// Its player knows how long it is: nearly, so that what the server would take just so is sent.
export function measured(entry, seconds) {
  const isTooLong = seconds > Number(form.querySelector("#recording").dataset.longest) + 1;
  change(entry, isTooLong && !entry.never ? { seconds, never: true, problem: word("recording.too_long") } : { seconds });
}

// Said at its row; only what nobody can read isn't sent.
async function look(entry) {
  if (entry.recorded) return; // made here, and nobody has it but this page
  const found = await inspect(entry.file, JSON.parse(form.querySelector("#recording").dataset.marks));
  if (entry.state) return; // it took so long that sending didn't wait: the server says so
  if (found === "cut") change(entry, { note: [entry.note, word("recording.cut")].filter(Boolean).join(" ") });
  else if (found) change(entry, { never: true, problem: word(`mistakes.${found}`) });
}

// What is on the server already; the page came with it.
export function addTake(row) {
  const { take, name, seconds } = row.dataset;
  const note = row.querySelector(".note").textContent;
  const entry = { id: take, once: number(), place: places++, take, name, note, row, seconds: Number(seconds) };
  entries.push(entry);
  tell("add", entry);
}

// Out of the list, or kept from it: what people remove, they can have back.
export function setAside(entry) {
  const index = entries.indexOf(entry);
  if (index >= 0) entries.splice(index, 1);
  aside.push({ entry, index: index < 0 ? entries.length : index });
  entry.removed ??= Date.now();
  sync();
  tell("aside", entry);
  return entry;
}

// The last one that was set aside, where it was.
export function bringBack() {
  const { entry, index } = aside.pop();
  if (entry.file && hasFile(entry.file)) return tell("remove", entry); // chosen again meanwhile
  entry.removed = null;
  entries.splice(index, 0, entry);
  sync();
  tell("back", entry);
}

// For good: it was accepted.
export function remove(entry) {
  const place = entries.indexOf(entry);
  if (place < 0) return;
  entries.splice(place, 1);
  sync();
  tell("remove", entry);
}

export function change(entry, facts) {
  Object.assign(entry, facts);
  tell("change", entry);
}

// Files that were chosen, dropped or pasted. Without any, the input gets back those of the list.
export function addAll(files) {
  for (const file of files) add(file);
  sync();
}
