// The pieces of a long recording are heard in one player, from their list or from the map; without this module their links
// open the sound. From the beginning they are heard one after the other, as far as they have come, and on as they come.
// List and map come and change by polling, so they are looked for when they are needed.

import { oneStop } from "./one-stop.js";
import { onFailure } from "./player-failure.js";
import { word } from "./words.js";

let heard = ""; // the row whose sound is in the player, by its id: rows are swapped when they change
let playsOn = false;
let awaited = ""; // the row that is played once it is there

const rowOf = (id) => document.getElementById(id);
const linkIn = (row) => row?.querySelector("[data-listen]");
const firstIn = (place) => place?.querySelector("ol.pieces > li");
const blockOf = (row) => row.closest(".block"); // of hundreds: each comes when it is opened
const after = (row) => row.nextElementSibling ?? firstIn(blockOf(row)?.nextElementSibling);
const isKept = (row) => "kept" in row.dataset; // left as it is: heard from the recording, which the player has whole

function playerIn(room) {
  const player = room.querySelector("audio");
  if (!player.dataset.heeded) {
    player.dataset.heeded = "yes";
    oneStop(room.querySelector(".play"), player);
    onFailure(player, { dead: () => (playsOn && isKept(rowOf(heard)) ? goOn() : showWhether(room, false)) });
    player.addEventListener("timeupdate", () => stopAtItsEnd(player));
    player.addEventListener("ended", () => playsOn && goOn());
  }
  return player;
}

function showWhether(room, plays) {
  room.hidden = false;
  room.querySelector(".player").hidden = !plays;
  room.querySelector(".unplayable").hidden = plays;
}

// Neighbours have a little in common: one ends and the next begins in its middle.
function overlap(row) {
  const next = after(row);
  return next ? Math.max(0, Number(row.dataset.end) - Number(next.dataset.start)) : 0;
}

function lastsUntil(row) {
  const { start, end } = row.dataset;
  if (isKept(row)) return Number(end);
  return playsOn && linkIn(after(row)) ? end - start - overlap(row) / 2 : Infinity;
}

function stopAtItsEnd(player) {
  const row = rowOf(heard);
  if (player.paused || player.currentTime < lastsUntil(row)) return;
  if (isKept(row)) player.pause();
  if (playsOn) goOn();
}

function listen(row, from = 0) {
  const room = document.querySelector("#piece-player");
  const player = playerIn(room);
  const address = linkIn(row).href.split("#")[0];
  [heard, awaited] = [row.id, ""];
  document.querySelector("#pieces").open = true;
  document.querySelector("#piece-awaited").textContent = "";
  showWhether(room, true);
  room.querySelector("b").textContent = row.querySelector("b").textContent;
  if (player.src !== address) player.src = address;
  player.currentTime = from + (isKept(row) ? Number(row.dataset.start) : 0);
  player.play().catch(() => {}); // interrupted by the next one, or dead: its error event says so
}

function goOn() {
  const row = rowOf(heard);
  const next = after(row);
  if (linkIn(next)) return listen(next, overlap(row) / 2);
  const block = blockOf(row)?.nextElementSibling;
  if (!next && block) return openFor(block, block.id);
  if (!next || awaited === next.id) return; // that was the last one
  waitFor(next);
}

function waitFor(row) {
  awaited = row.id;
  document.querySelector("#piece-awaited").textContent = word("pieces.awaited", { number: row.dataset.number });
}

// What is awaited of it comes with its pieces, if they aren't there.
function openFor(block, id) {
  awaited = id;
  document.querySelector("#pieces").open = true;
  block.open = true;
  if (firstIn(block)) resume();
}

// Of a block the first is awaited.
function resume() {
  const there = awaited && rowOf(awaited);
  const row = there && (there.matches(".block") ? firstIn(there) : there);
  if (!row) return;
  const isNext = playsOn && heard && after(rowOf(heard)) === row;
  if (linkIn(row)) listen(row, isNext ? overlap(rowOf(heard)) / 2 : 0);
  else if (playsOn) waitFor(row);
  else awaited = ""; // pressed before it was there
}

const first = () => firstIn(document.querySelector("#pieces .blocks") ?? document.querySelector("#pieces"));

function showBeginning() {
  const button = document.querySelector("#play-beginning");
  const begins = document.querySelector(".block .state:is(.ready, .converting), .pieces [data-piece]");
  if (button) button.hidden = !begins || !(document.querySelector("#block-1") || linkIn(first()));
}

// The block with this piece; null where they all stand in one list.
function blockWith(number) {
  const blocks = [...document.querySelectorAll(".block")];
  return blocks.find(({ dataset }) => Number(dataset.first) <= number && number <= Number(dataset.last));
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#play-beginning")) {
    const block = document.querySelector("#block-1");
    [playsOn, heard] = [true, ""];
    return block ? openFor(block, block.id) : listen(first());
  }
  const pressed = event.target.closest("[data-of-piece], .pieces [data-listen]");
  if (!pressed || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const number = pressed.dataset.ofPiece;
  const row = number ? rowOf(`piece-${number}`) : pressed.closest("li");
  const block = number && !row && blockWith(number);
  if (!linkIn(row) && !block) return;
  event.preventDefault();
  playsOn = false;
  if (block) openFor(block, `piece-${number}`);
  else listen(row);
});

// The button that was pressed isn't in the row that comes: the focus goes to the one in its place.
let lost = "";
document.addEventListener("htmx:oobBeforeSwap", ({ target }) => {
  if (target.contains(document.activeElement)) lost = target.id;
});
document.addEventListener("htmx:afterSettle", () => {
  const row = rowOf(lost);
  const there = row?.querySelector("form button") ?? linkIn(row) ?? (row && document.querySelector("#pieces > summary"));
  if (document.activeElement === document.body) there?.focus();
  lost = "";
});

for (const name of ["htmx:oobAfterSwap", "htmx:load"]) {
  document.addEventListener(name, () => {
    showBeginning();
    resume();
  });
}
showBeginning();

// One sounds at a time.
document.addEventListener(
  "play",
  (event) => {
    if (event.target.muted) return; // pictures that follow a sound
    for (const other of document.querySelectorAll("audio, video")) {
      if (other !== event.target && !other.muted) other.pause();
    }
  },
  true,
);
