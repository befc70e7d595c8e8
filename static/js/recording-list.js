// The list of recordings as people see it: a row each, to listen, remove, and read what became of it.

import { focusUndo } from "./aside.js";
import { clock, percent, size } from "./amounts.js";
import { oneStop } from "./one-stop.js";
import { onFailure } from "./player-failure.js";
import { onLength } from "./player-length.js";
import { addTake, change, changes, entries, measured, setAside, tell } from "./recordings.js";
import { counted, word } from "./words.js";

const WORDS = { queued: word("list.queued"), storing: word("list.storing"), accepted: word("list.accepted") };
const form = document.querySelector("#studio");

if (form) {
  const list = form.querySelector("#files");
  const template = form.querySelector("#file-row");
  const status = form.querySelector("#recording-status");
  const start = form.elements.start; // of the passage that voices are tried with; not on every page
  const rows = new Map();

  function listen(entry, row) {
    const player = row.querySelector("audio");
    player.src = URL.createObjectURL(entry.file);
    player.setAttribute("aria-label", word("list.listen", entry));
    row.classList.add("playable");
    onLength(player, (seconds) => measured(entry, seconds));
    // What this browser can't play may still be converted: only the player goes.
    const dead = () => {
      player.hidden = true;
      row.classList.remove("playable");
      show(entry);
    };
    onFailure(player, { dead });
  }

  // The browser's own player shows once somebody listens.
  function playing(entry, row) {
    const player = row.querySelector("audio");
    const button = row.querySelector(".play");
    button.setAttribute("aria-label", word("list.play", entry));
    oneStop(button, player);
    player.addEventListener("play", () => {
      for (const other of list.querySelectorAll("audio")) if (other !== player) other.pause();
      row.classList.add("open");
    });
    row.classList.toggle("playable", !player.hidden);
  }

  // Several that come together are said in one sentence.
  let added = [];
  function announce(entry) {
    added.push(entry.name);
    if (added.length > 1) return;
    setTimeout(() => {
      const [name] = added;
      status.textContent = added.length > 1 ? counted("list.added", added.length) : word("list.added_name", { name });
      added = [];
    });
  }

  function passage(entry, row) {
    const button = row.querySelector(".from-here");
    button.addEventListener("click", () => {
      const seconds = row.querySelector("audio").currentTime;
      start.value = seconds.toFixed(1);
      for (const other of entries) other.from = null;
      change(entry, { from: seconds });
      for (const other of entries) show(other);
      start.dispatchEvent(new Event("change", { bubbles: true }));
      start.closest("details").open = true;
      status.textContent = row.querySelector(".note").textContent;
    });
  }

  function addRow(entry) {
    const row = entry.row ?? template.content.firstElementChild.cloneNode(true);
    row.tabIndex = -1;
    const named = word("list.remove", entry);
    row.querySelector(".name").textContent = entry.name;
    row.querySelector(".remove").setAttribute("aria-label", named);
    row.querySelector(".remove").addEventListener("click", (event) => {
      event.preventDefault(); // without this module it is a link
      setAside(entry);
      focusUndo();
    });
    rows.set(entry, row);
    playing(entry, row);
    if (entry.file) listen(entry, row);
    passage(entry, row);
    for (const what of ["stop", "again"]) row.querySelector(`.${what}`).addEventListener("click", () => tell(what, entry));
    if (!row.isConnected) place(entry, row);
    list.hidden = false;
    show(entry);
  }

  function place(entry, row) {
    list.insertBefore(row, list.children[entries.indexOf(entry)] ?? null);
  }

  // It may come back: the row stays what it is.
  function hideRow(entry) {
    const row = rows.get(entry);
    row?.querySelector("audio").pause();
    row?.remove();
    list.hidden = !entries.length;
  }

  // The focus is at the row itself: Enter does nothing there.
  function bringRowBack(entry) {
    const row = rows.get(entry);
    if (row) place(entry, row);
    else addRow(entry);
    list.hidden = false;
    status.textContent = word("list.restored", entry);
    rows.get(entry).focus();
  }

  function removeRow(entry) {
    const row = rows.get(entry);
    if (row) URL.revokeObjectURL(row.querySelector("audio").src);
    row?.remove();
    rows.delete(entry);
    list.hidden = !entries.length;
  }

  function say(place, words, text) {
    place.hidden = !text;
    words.textContent = text ?? "";
  }

  function facts({ state, seconds, size: bytes, part, pace }) {
    if (state in WORDS) return WORDS[state];
    if (state === "sending") return [percent(part), pace].filter(Boolean).join(" · ");
    return [seconds ? clock(seconds) : "", bytes ? size(bytes) : ""].filter(Boolean).join(" · ");
  }

  function show(entry) {
    const row = rows.get(entry);
    if (!row) return;
    const { state, problem, note, from, never, part } = entry;
    const busy = ["queued", "sending", "storing"].includes(state);
    row.querySelector(".facts").textContent = facts(entry);
    const [said, error] = [row.querySelector(".note"), row.querySelector(".error")];
    say(said, said, from != null && !busy ? word("list.from", { time: clock(from) }) : note);
    say(error, error.querySelector("span"), problem);
    row.classList.toggle("refused", Boolean(problem));
    row.querySelector(".from-here").hidden = !start || busy || never || row.querySelector("audio").hidden;
    row.querySelector(".stop").hidden = !busy || state === "storing";
    row.querySelector(".again").hidden = busy || never || !problem;
    row.querySelector(".remove").hidden = busy;
    const bar = row.querySelector("progress");
    bar.hidden = !busy;
    bar.value = part ?? 0;
  }

  changes.addEventListener("add", ({ detail }) => {
    addRow(detail);
    if (detail.file && !detail.note) announce(detail); // what was here before the page was loaded says so at its row
  });
  changes.addEventListener("remove", ({ detail }) => removeRow(detail));
  changes.addEventListener("aside", ({ detail }) => hideRow(detail));
  changes.addEventListener("back", ({ detail }) => bringRowBack(detail));
  changes.addEventListener("change", ({ detail }) => show(detail));
  form.querySelector("#recording").classList.add("live");
  for (const row of [...list.children]) addTake(row);
}
