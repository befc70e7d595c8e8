// Compare: the recording, the result and further takes on one transport. One sounds at a time; who switches hears the
// other one at the same place and equally loud.
//
// The time on the transport is that of the recording. waveforms.js draws what "compare:moved" says and asks for a place
// by "compare:seek"; both speak of fractions of that time. "compare:go" has seconds.

import { clock, spoken } from "./amounts.js";
import { onFailure } from "./player-failure.js";
import { isTyping } from "./typing.js";
import { word } from "./words.js";

const compare = document.querySelector("#compare");
const transport = document.querySelector("#transport");
const listen = document.querySelector("#listen");
const choices = document.querySelector("#tracks");
const seek = document.querySelector("#seek");
const play = document.querySelector("#play");
const same = document.querySelector("#same-loudness");
const unheard = document.querySelector("#unheard");
// What an encoder adds at the ends; a result that differs by more was spoken slower or faster.
const PADDING_S = 0.3;

const figures = [...compare.querySelectorAll("[data-track]")];
const tracks = figures
  .map((figure) => ({ figure, player: figure.querySelector("audio"), lufs: number(figure.dataset.lufs) }))
  .filter((track) => track.player);
let current = null;

function number(words) {
  return words ? Number(words) : null;
}

// ---- one time for all ----

function secondsOf(track) {
  const measured = track.player.duration; // Infinity for what was recorded live
  return number(track.figure.dataset.seconds) ?? (Number.isFinite(measured) ? measured : 0);
}

function whole() {
  return number(figures[0].dataset.seconds) ?? (current ? secondsOf(current) : 0);
}

function stretch(track) {
  const own = secondsOf(track);
  return !own || !whole() || Math.abs(own - whole()) <= PADDING_S ? 1 : own / whole();
}

function place() {
  return current ? Math.min(current.player.currentTime / stretch(current), whole()) : 0;
}

function goTo(seconds) {
  if (!current) return;
  const within = Math.min(Math.max(seconds, 0), whole());
  current.player.currentTime = Math.min(within * stretch(current), secondsOf(current));
  draw();
}

// ---- what is heard ----

function playable() {
  return tracks.filter((track) => !track.dead);
}

function choose(track) {
  if (!track || track === current) return;
  const from = current;
  const seconds = place();
  const playing = from && !from.player.paused;
  current = track;
  if (from) {
    goTo(seconds);
    from.player.pause();
  }
  if (playing) start();
  track.choice.querySelector("input").checked = true;
  for (const other of tracks) other.figure.classList.toggle("active", other === track);
  draw();
}

// Perhaps there is a device now that sounds.
function lookForSound(player) {
  const seconds = player.currentTime;
  player.load();
  player.currentTime = seconds;
  unheard.hidden = true;
}

function start() {
  if (current?.player.error) lookForSound(current.player);
  for (const track of playable()) track.player.preload = "auto"; // so that switching doesn't have to wait
  current?.player.play().catch(() => {}); // interrupted, or dead: its error event says so
}

function toggle() {
  if (current?.player.paused) start();
  else current?.player.pause();
}

function next() {
  const all = playable();
  choose(all[(all.indexOf(current) + 1) % all.length]);
}

// Everything at the level of the quietest: nothing is made louder, so nothing clips.
function level() {
  const all = playable();
  const known = all.length > 1 && all.every((track) => track.lufs !== null);
  const quietest = Math.min(...all.map((track) => track.lufs));
  let obeyed = known;
  for (const track of all) {
    const volume = known && same.checked ? 10 ** ((quietest - track.lufs) / 20) : 1;
    track.player.volume = volume;
    obeyed &&= Math.abs(track.player.volume - volume) < 0.01; // on an iPhone the volume is the owner's alone
  }
  document.querySelector("#loudness").hidden = !obeyed;
}

// Nobody has compared it yet: it is measured now, and known the next time.
async function measure(track) {
  const answer = await fetch(track.figure.dataset.loudness).catch(() => null);
  if (answer?.ok) track.lufs = (await answer.json()).lufs;
}

async function measureAll() {
  const unknown = tracks.length > 1 ? tracks.filter((track) => track.lufs === null) : [];
  await Promise.all(unknown.map(measure));
  if (unknown.length) level();
}

// ---- what is seen ----

function draw() {
  const [position, length] = [place(), whole()];
  compare.dataset.position = position.toFixed(2);
  seek.max = length || 1;
  seek.value = position;
  const passed = Math.floor(position + 1e-6); // as clocks do it: a second counts when it is over
  const exact = { position: spoken(passed, { exact: true }), length: spoken(length, { exact: true }) };
  seek.setAttribute("aria-valuetext", word("transport.position", exact));
  document.querySelector("#position").textContent = clock(passed);
  document.querySelector("#length").textContent = clock(length);
  const playing = Boolean(current && !current.player.paused);
  compare.toggleAttribute("data-playing", playing);
  const said = playing ? word("transport.pause") : word("transport.play");
  if (play.ariaLabel !== said) play.ariaLabel = said;
  const detail = { fraction: length ? position / length : 0, length, playing };
  compare.dispatchEvent(new CustomEvent("compare:moved", { detail }));
}

function follow(track) {
  if (track !== current) return;
  draw();
  if (!track.player.paused) requestAnimationFrame(() => follow(track));
}

function showWhatThereIs() {
  const all = playable();
  transport.hidden = listen.hidden = all.length === 0;
  for (const part of [choices, document.querySelector("#switch-key")]) if (part) part.hidden = all.length < 2;
  level();
}

function bury(track) {
  track.dead = true;
  track.player.hidden = true;
  track.figure.querySelector(".unplayable").hidden = false;
  track.choice.remove();
  if (track === current) {
    current = null;
    choose(playable()[0]);
  }
  showWhatThereIs();
}

function sayUnheard() {
  unheard.textContent = word("transport.unheard");
  unheard.hidden = false;
}

// Of several pieces: to where one hears two of them meet.
const BEFORE_JOIN_S = 2;

function toJoin(share) {
  goTo(share * whole() - BEFORE_JOIN_S);
}

function toNextJoin() {
  const joins = [...compare.querySelectorAll("[data-join]")].map((line) => Number(line.dataset.join));
  const next = joins.find((share) => share * whole() - BEFORE_JOIN_S > place() + 0.1) ?? joins[0];
  if (next === undefined) return;
  toJoin(next);
  document.querySelector("#announcement").textContent = joined(next);
}

const joined = (share) => word("transport.joined", { time: clock(share * whole()) });

// Of hundreds the page brings no words with each.
function sayWhere(line) {
  if (!line || line.firstElementChild) return;
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  title.textContent = joined(Number(line.dataset.join));
  line.append(title);
}

// ---- keys ----

const KEYS = {
  " ": toggle,
  x: next,
  arrowleft: (event) => goTo(place() - (event.shiftKey ? 1 : 5)),
  arrowright: (event) => goTo(place() + (event.shiftKey ? 1 : 5)),
  ",": () => goTo(place() - 1),
  ".": () => goTo(place() + 1),
  j: toNextJoin,
  home: () => goTo(0),
  end: () => goTo(whole()),
  "+": () => document.querySelector("[data-zoom=in]").click(),
  "-": () => document.querySelector("[data-zoom=out]").click(),
  0: () => document.querySelector("[data-zoom=fit]").click(),
};
const ON_SLIDER = /^(arrow(left|right)|home|end)$/;

// Whether the key means something else where the focus is.
function taken(key, target) {
  if (target === seek && ON_SLIDER.test(key)) return false; // it is the slider's own, also without shortcuts
  if (document.body.dataset.shortcuts === "off" || document.querySelector("dialog[open]")) return true;
  if (isTyping(target)) return true;
  if (key === " ") return Boolean(target.closest("a, button, summary, label, input:not([type=range]), audio"));
  return key.startsWith("arrow") && Boolean(target.closest("[type=radio], audio"));
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !current) return;
  const key = event.key.toLowerCase();
  const act = /^[1-9]$/.test(key) ? () => choose(playable()[key - 1]) : KEYS[key];
  if (!act || taken(key, event.target)) return;
  event.preventDefault();
  act(event);
}

// ---- begin ----

for (const track of tracks) {
  const { player, figure } = track;
  track.choice = document.querySelector("#track-choice").content.firstElementChild.cloneNode(true);
  track.choice.querySelector("span").textContent = figure.querySelector("figcaption b").textContent;
  track.choice.querySelector("input").addEventListener("change", () => choose(track));
  choices.append(track.choice);
  player.controls = false;
  player.addEventListener("play", () => {
    choose(track); // by a key of the keyboard or the headphones, say
    for (const other of tracks) if (other !== track) other.player.pause();
    follow(track);
  });
  for (const name of ["timeupdate", "seeking", "pause", "loadedmetadata"]) player.addEventListener(name, draw);
}
choose(tracks.find((track) => "preferred" in track.figure.dataset) ?? tracks[0]);
showWhatThereIs();
for (const track of tracks) onFailure(track.player, { dead: () => bury(track), unheard: sayUnheard });

const asked = /^#t=([\d.]+)$/.exec(location.hash);
goTo(asked ? Number(asked[1]) : 0);
draw();
measureAll();

play.addEventListener("click", toggle);
seek.addEventListener("input", () => goTo(Number(seek.value)));
same.addEventListener("change", level);
compare.addEventListener("click", (event) => {
  const line = event.target.closest("[data-join]");
  if (line) toJoin(Number(line.dataset.join));
});
compare.addEventListener("pointerover", (event) => sayWhere(event.target.closest("[data-join]")));
compare.addEventListener("compare:seek", (event) => goTo(event.detail * whole()));
compare.addEventListener("compare:go", (event) => goTo(event.detail));
document.addEventListener("keydown", press);
// Another take is put beside these: the page begins where one was listening.
for (const link of document.querySelectorAll("[data-compare]")) {
  link.addEventListener("click", () => (link.hash = `t=${place().toFixed(2)}`));
}
