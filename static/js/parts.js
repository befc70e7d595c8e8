// Parts of a recording: the rows of the form are the truth. What is marked with the player or drawn on the strip
// (lane.js) is written into them, and what it will cost is asked of the server, whose words are shown.

import { laneOf } from "./lane.js";
import { readMoment, writeMoment } from "./moments.js";
import { isTyping } from "./typing.js";
import { word } from "./words.js";

const form = document.querySelector("#parts");
const byParts = form.querySelector(".by-parts"); // what is within it may be another one (fillIn)
const list = () => byParts.querySelector("#part-rows");
const total = form.querySelector("[name=part-TOTAL_FORMS]");
const most = Number(form.querySelector("[name=part-MAX_NUM_FORMS]").value);
const figure = document.querySelector("[data-track]");
const player = figure.querySelector("audio");
const announcement = document.querySelector("#announcement");
const length = Number(figure.dataset.seconds);
const COLOURS = 6;
const ASKED_AFTER_MS = 500;

// Each channel gets a voice instead: nothing is marked, and what is for that isn't shown (parts.css).
const isByChannels = () => form.elements.by?.value === "channels";

const fieldOf = (row, name) => row.querySelector(`[name$="-${name}"]`);
const rows = () => [...byParts.querySelectorAll("[data-part]")];

// ---- rows ----

// What a row says, in seconds; null where it says nothing that could be drawn.
function partOf(row) {
  if (fieldOf(row, "DELETE").checked) return null;
  const [start, end] = ["start", "end"].map((name) => fieldOf(row, name).value);
  const from = readMoment(start) ?? (end.trim() ? 0 : null);
  if (from === null || from >= length) return null;
  const until = end.trim() ? readMoment(end) : length;
  if (until === null || until <= from) return null;
  return { row, from, until: Math.min(until, length), who: Number(fieldOf(row, "who").value) };
}

function isFree(row) {
  return !fieldOf(row, "DELETE").checked && ["start", "end"].every((name) => !fieldOf(row, name).value.trim());
}

function addRow() {
  const count = Number(total.value);
  if (count >= most) {
    announcement.textContent = word("parts.full");
    return null;
  }
  const row = byParts.querySelector("#part-row").content.firstElementChild.cloneNode(true);
  for (const element of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
    for (const name of ["name", "id", "for", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replaceAll("__prefix__", count));
    }
  }
  total.value = count + 1;
  list().append(row);
  nameSpeakers();
  return row;
}

let current = null; // the part that was begun last

function newPart(from, until) {
  const row = rows().find(isFree) ?? addRow();
  if (!row) return null;
  write(row, from, until);
  const who = fieldOf(row, "who");
  if (!who.value && who.options.length > 1) who.value = current ? fieldOf(current, "who").value : who.options[1].value;
  current = row;
  return row;
}

function write(row, from, until) {
  fieldOf(row, "start").value = writeMoment(from);
  fieldOf(row, "end").value = until === null ? "" : writeMoment(until);
  changed();
}

// ---- marking with the player ----

const place = () => Number(document.querySelector("#compare").dataset.position) || 0;
const numberOf = (row) => rows().indexOf(row) + 1;

function begin() {
  const row = newPart(place(), null);
  if (row) announcement.textContent = word("parts.added", { number: numberOf(row), time: writeMoment(place()) });
}

function end() {
  if (!current || !partOf(current)) {
    announcement.textContent = word("parts.none");
    return;
  }
  fieldOf(current, "end").value = writeMoment(place());
  announcement.textContent = word("parts.ended", { number: numberOf(current), time: writeMoment(place()) });
  changed();
}

let stopAt = null;

function hear(from, until) {
  player.currentTime = from;
  stopAt = until;
  player.play().catch(() => {});
}

function takeOver(row) {
  const button = row.querySelector(".play-part");
  button.hidden = !player || player.hidden;
  button.addEventListener("click", () => {
    const part = partOf(row);
    if (part) hear(part.from, part.until);
  });
}

function takeOverNew() {
  for (const row of rows()) {
    if (!row.dataset.ready) takeOver(row);
    row.dataset.ready = "yes";
  }
}

// ---- what follows ----

function nameSpeakers() {
  const names = [...form.querySelectorAll("[data-speaker]")].map(
    (one) => fieldOf(one, "name").value.trim() || word("parts.speaker", { number: one.dataset.speaker }),
  );
  for (const option of form.querySelectorAll("[name$='-who'] option, [name$='-same_as'] option")) {
    if (option.value) option.textContent = names[Number(option.value) - 1] ?? option.textContent;
  }
}

const draw = laneOf({
  svg: document.querySelector("#lane"),
  length,
  parts: () => rows().map(partOf).filter(Boolean),
  colourOf: (who) => (who ? (who - 1) % COLOURS : "nobody"),
  make: (from, until) => newPart(from, until),
  move: ({ row }, from, until) => write(row, from, until),
  choose: ({ row, from }) => {
    current = row;
    document.querySelector("#compare").dispatchEvent(new CustomEvent("compare:seek", { detail: from / length }));
    row.scrollIntoView({ block: "nearest" });
    fieldOf(row, "start").focus({ preventScroll: true });
  },
});

let waiting = 0;
let asked = 0;

function changed() {
  takeOverNew();
  draw();
  clearTimeout(waiting);
  waiting = setTimeout(askWhatItCosts, ASKED_AFTER_MS);
}

// What the page would say after “What will it cost?”: all of it, or what is missing.
async function askWhatItCosts() {
  const number = (asked += 1);
  const body = new URLSearchParams(new FormData(form));
  body.set("do", "check");
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (number !== asked) return; // something else was said meanwhile
  const summary = document.querySelector("#summary-words");
  if (!answer || ![200, 422].includes(answer.status)) {
    summary.textContent = word("parts.lost");
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const words = page.querySelector("#summary-words");
  if (words && words.innerHTML !== summary.innerHTML) summary.replaceChildren(...words.childNodes);
}

// ---- what was found ----

function isAsItCame(field) {
  if (field.type === "hidden") return true;
  if (["checkbox", "radio"].includes(field.type)) return field.checked === field.defaultChecked;
  if (!field.options) return field.value === field.defaultValue;
  const chosen = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
  return field.selectedOptions[0] === chosen;
}

// Speakers that were looked for while the page is open are filled in by themselves, unless somebody has marked something.
async function showFound() {
  if (isByChannels()) return; // it waits until parts are chosen again
  const link = document.querySelector("#search .show-found:not([data-seen])");
  if (!link) return;
  link.dataset.seen = "yes";
  const said = document.querySelector("#search [role=status]").textContent;
  const isUntouched = rows().every(isFree) && [...form.querySelectorAll("input, select")].every(isAsItCame);
  const answer = isUntouched && (await fetch(link.href, { redirect: "manual" }).catch(() => null));
  if (!answer?.ok) {
    announcement.textContent = `${said} ${word("parts.to_show")}`;
    return;
  }
  fillIn(new DOMParser().parseFromString(await answer.text(), "text/html"));
  announcement.textContent = `${said} ${word("parts.filled")}`;
}

function fillIn(page) {
  const at = byParts.contains(document.activeElement) ? document.activeElement.id : "";
  byParts.replaceChildren(...page.querySelector("#parts .by-parts").childNodes);
  for (const field of form.querySelectorAll("[name$=_FORMS]")) {
    field.value = page.querySelector(`#parts [name="${field.name}"]`).value;
  }
  document.querySelector("#search .row").replaceWith(page.querySelector("#search .row"));
  current = null;
  nameSpeakers();
  changed();
  if (at) document.getElementById(at)?.focus();
}

// ---- begin ----

byParts.addEventListener("focusin", ({ target }) => (current = target.closest("[data-part]") ?? current));
form.addEventListener("input", ({ target }) => {
  if (target.name?.endsWith("-name")) nameSpeakers();
  if (target.name === "by") showFound();
  changed();
});
byParts.addEventListener("click", (event) => {
  if (event.target.closest("#add-part")) {
    const row = addRow();
    event.preventDefault();
    if (!row) return;
    changed();
    fieldOf(row, "start").focus();
  }
  const link = event.target.closest(".listen-to");
  if (!link || !player || player.hidden) return;
  event.preventDefault();
  const from = Number(link.dataset.from);
  hear(from, Math.min(Number(link.dataset.until), from + 8));
});
document.addEventListener("htmx:afterSettle", showFound);
player?.addEventListener("timeupdate", () => {
  if (stopAt === null || player.currentTime < stopAt) return;
  stopAt = null;
  player.pause();
});
player?.addEventListener("pause", () => (stopAt = null));
document.querySelector("#marking").hidden = false;
document.querySelector("#begins").addEventListener("click", begin);
document.querySelector("#ends").addEventListener("click", end);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
  if (document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]")) return;
  if (isByChannels()) return;
  const act = { b: begin, e: end }[event.key.toLowerCase()];
  if (act && !(event.target instanceof HTMLSelectElement)) act();
});
nameSpeakers();
takeOverNew();
draw();
