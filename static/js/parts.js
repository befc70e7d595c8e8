// Parts of a recording: the rows of the form are the truth. What is marked with the player or drawn on the strip
// (lane.js) is written into them, and what it will cost is asked of the server, whose words are shown.

import { laneOf } from "./lane.js";
import { readMoment, writeMoment } from "./moments.js";
import { keeping } from "./parts-kept.js";
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
  renumber(row, count);
  total.value = count + 1;
  list().append(row);
  nameSpeakers();
  return row;
}

let current = null; // the part that was begun last
let draw; // the strip anew

function newPart(from, until) {
  const row = rows().find(isFree) ?? addRow();
  if (!row) return null;
  write(row, from, until);
  putInPlace(row, from);
  const who = fieldOf(row, "who");
  if (!who.value && who.options.length > 1) who.value = current ? fieldOf(current, "who").value : who.options[1].value;
  current = row;
  return row;
}

// Rows that stand in order stay so: the new one comes before the first that begins later, and what is free behind it.
function putInPlace(row, from) {
  const later = rows().find((other) => other !== row && (isFree(other) || partOf(other)?.from > from));
  list().insertBefore(row, later ?? null);
  for (const [place, each] of rows().entries()) renumber(each, place);
}

function renumber(row, place) {
  for (const element of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
    for (const name of ["name", "id", "for", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replaceAll(/part-(\d+|__prefix__)-/g, `part-${place}-`));
    }
  }
  row.querySelector("[role=group]").ariaLabel = word("parts.part", { number: place + 1 });
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

let heard = null; // { button, from, until } of the stretch that somebody listens to

function stopHearing() {
  heard?.button.setAttribute("aria-pressed", "false");
  heard = null;
}

// Pressed once more, it stops.
function hear(button, from, until) {
  const again = heard?.button === button;
  stopHearing();
  if (again) return player.pause();
  heard = { button, from, until };
  button.setAttribute("aria-pressed", "true");
  player.currentTime = from;
  player.play().catch(() => {});
}

function takeOver(row) {
  const button = row.querySelector(".play-part");
  button.hidden = !player || player.hidden;
  button.addEventListener("click", () => {
    const part = partOf(row);
    if (part) hear(button, part.from, part.until);
  });
}

function takeOverNew() {
  for (const link of byParts.querySelectorAll(".listen-to:not([role])")) {
    if (!player || player.hidden) break;
    link.setAttribute("role", "button");
    link.setAttribute("aria-pressed", "false");
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      link.click();
    });
  }
  for (const row of rows()) {
    if (!row.dataset.ready) takeOver(row);
    row.dataset.ready = "yes";
  }
}

// ---- what follows ----

function nameSpeakers() {
  const names = [...form.querySelectorAll("[data-speaker]")].map((one) => {
    const { speaker: number } = one.dataset;
    const name = fieldOf(one, "name").value.trim();
    one.querySelector("[role=group]").ariaLabel = word("parts.named", { number, name: name || word("parts.unnamed") });
    const called = name || word("parts.speaker", { number });
    const listen = one.querySelector(".listen-to");
    if (listen) listen.ariaLabel = word("parts.listen", { name: called });
    return called;
  });
  for (const option of form.querySelectorAll("[name$='-who'] option, [name$='-same_as'] option")) {
    if (option.value) option.textContent = names[Number(option.value) - 1] ?? option.textContent;
  }
  draw?.(); // the strip says them too
}

draw = laneOf({
  svg: document.querySelector("#lane"),
  length,
  parts: () => rows().map(partOf).filter(Boolean),
  titleOf: ({ row, from, until }) => {
    const who = fieldOf(row, "who");
    const span = `${writeMoment(from)} – ${writeMoment(until)}`;
    return who.value ? `${who.selectedOptions[0].textContent.trim()}, ${span}` : span;
  },
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

const keep = keeping(form, bringBack);
let waiting = 0;
let asked = 0;

function changed() {
  takeOverNew();
  draw();
  keep();
  clearTimeout(waiting);
  waiting = setTimeout(askWhatItCosts, ASKED_AFTER_MS);
}

// The page that would come after the button `what`, with these fields; null where none does.
async function pageAfter(what, fields = new FormData(form)) {
  const body = new URLSearchParams(fields);
  body.set("do", what);
  for (const name of ["csrfmiddlewaretoken", "once"]) body.set(name, form.querySelector(`[name=${name}]`).value);
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (!answer || ![200, 422].includes(answer.status)) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("#parts") ? page : null;
}

// What the page would say after “What will it cost?”: all of it, or what is missing.
async function askWhatItCosts() {
  const number = (asked += 1);
  const words = (await pageAfter("check"))?.querySelector("#summary-words");
  if (number !== asked) return; // something else was said meanwhile
  const summary = document.querySelector("#summary-words");
  if (!words) summary.textContent = word("parts.lost");
  else if (words.innerHTML !== summary.innerHTML) summary.replaceChildren(...words.childNodes);
}

// The server knows what a row of a speaker looks like, and who may be chosen where.
async function addSpeaker(button) {
  const page = await pageAfter("speakers");
  if (!page) return form.requestSubmit(button); // the browser says what is wrong
  fillIn(page);
  isMarked = true;
  const last = [...form.querySelectorAll("[data-speaker]")].at(-1);
  announcement.textContent = word("parts.speaker_added", { number: last.dataset.speaker });
  fieldOf(last, "name").focus();
}

// What was marked before, as the form would have been sent.
async function bringBack(fields) {
  const page = await pageAfter("again", fields);
  if (!page) return;
  fillIn(page);
  for (const field of form.querySelectorAll("select[name=left], select[name=right], [name=by]")) {
    const found = page.getElementById(field.id);
    if (field.options) field.value = found.value;
    else field.checked = found.checked;
  }
  isMarked = true;
  changed();
}

// ---- what was found ----

function isAsItCame(field) {
  if (field.type === "hidden") return true;
  if (["checkbox", "radio"].includes(field.type)) return field.checked === field.defaultChecked;
  if (!field.options) return field.value === field.defaultValue;
  const chosen = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
  return field.selectedOptions[0] === chosen;
}

let isMarked = "wasSent" in form.dataset; // what the page begins with, too

// Speakers that were looked for while the page is open are filled in by themselves, unless somebody has marked something.
async function showFound() {
  if (isByChannels()) return; // it waits until parts are chosen again
  const search = document.querySelector("#search");
  const said = search.querySelector(".said").textContent;
  const link = search.querySelector(".show-found:not([data-seen])");
  if (!link) {
    const isBegun = !search.querySelector(".said.soft");
    if (isBegun && announcement.textContent !== said) announcement.textContent = said;
    return;
  }
  link.dataset.seen = "yes";
  const isUntouched = !isMarked && rows().every(isFree) && [...form.querySelectorAll("input, select")].every(isAsItCame);
  const answer = isUntouched && (await fetch(link.href, { redirect: "manual" }).catch(() => null));
  if (!answer?.ok) {
    announcement.textContent = `${said} ${word("parts.to_show")}`;
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  fillIn(page);
  document.querySelector("#search .row").replaceWith(page.querySelector("#search .row"));
  announcement.textContent = `${said} ${word("parts.filled")}`;
}

function fillIn(page) {
  const at = byParts.contains(document.activeElement) ? document.activeElement.id : "";
  byParts.replaceChildren(...page.querySelector("#parts .by-parts").childNodes);
  for (const field of form.querySelectorAll("[name$=_FORMS]")) {
    field.value = page.querySelector(`#parts [name="${field.name}"]`).value;
  }
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
  const more = event.target.closest("[name=do][value=speakers]");
  if (more) {
    event.preventDefault();
    addSpeaker(more);
  }
  const link = event.target.closest(".listen-to");
  if (!link || !player || player.hidden) return;
  event.preventDefault();
  const from = Number(link.dataset.from);
  hear(link, from, Math.min(Number(link.dataset.until), from + 8));
});
let isLost = false; // what had the focus is swapped
document.addEventListener("htmx:beforeSwap", ({ target }) => (isLost = target.contains(document.activeElement)));
document.addEventListener("htmx:afterSettle", () => {
  if (isLost && document.activeElement === document.body) document.querySelector("#search-title").focus();
  showFound();
});
player?.addEventListener("timeupdate", () => heard && player.currentTime >= heard.until && player.pause());
player?.addEventListener("seeking", () => {
  const isWithin = heard && player.currentTime >= heard.from - 0.1 && player.currentTime <= heard.until;
  if (!isWithin) stopHearing(); // who goes elsewhere listens on there
});
player?.addEventListener("pause", () => player.paused && stopHearing());
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
