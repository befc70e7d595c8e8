// Waveforms: they show the position, take one by click or drag, and can be zoomed into. At first they are what the
// server drew; what is drawn in detail is fetched when somebody zooms in. Around compare.js, which plays.

import { clock } from "./amounts.js";

const compare = document.querySelector("#compare");
const buttons = document.querySelector("#zoom");
const shown = document.querySelector("#zoomed");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const HEIGHT = 64;
const BARS = 400; // at most, across the width
const SHORTEST_S = 4; // zoomed in as far as it goes
const WORTH_IT_S = 8;

const waves = [...compare.querySelectorAll("[data-track]")]
  .map((figure) => ({ figure, svg: figure.querySelector(".waveform"), peaks: null }))
  .filter((wave) => wave.svg);
for (const wave of waves) {
  wave.path = wave.svg.querySelector("path");
  wave.head = wave.svg.querySelector(".head");
  wave.whole = { shape: wave.path.getAttribute("d"), box: wave.svg.getAttribute("viewBox") };
}

let zoom = 1;
let begin = 0; // of what is seen, as a fraction of the whole
let moved = { fraction: 0, length: 0, playing: false };
let following = true; // until somebody looks elsewhere

// ---- drawing ----

// An outline around the middle, one unit wide for each bar. Bars keep their places while the window moves over them.
function drawDetail(wave) {
  const first = begin * wave.peaks.length;
  const count = wave.peaks.length / zoom;
  const size = Math.max(1, Math.ceil(count / BARS));
  const from = Math.floor(first / size);
  const to = Math.min(Math.ceil((first + count) / size) + 1, Math.ceil(wave.peaks.length / size));
  const above = [];
  const below = [];
  for (let bar = from; bar < to; bar += 1) {
    let peak = 0;
    for (let index = bar * size; index < Math.min((bar + 1) * size, wave.peaks.length); index += 1) {
      if (wave.peaks[index] > peak) peak = wave.peaks[index];
    }
    const height = Math.max(0.5, (peak * (HEIGHT / 2 - 2)) / 255);
    above.push(`${bar - from} ${(HEIGHT / 2 - height).toFixed(1)}`);
    below.unshift(`${bar - from} ${(HEIGHT / 2 + height).toFixed(1)}`);
  }
  wave.path.setAttribute("d", `M${above.join("L")}L${below.join("L")}Z`);
  wave.svg.setAttribute("viewBox", `${first / size - from} 0 ${count / size} ${HEIGHT}`);
}

function drawWhole(wave) {
  wave.path.setAttribute("d", wave.whole.shape);
  wave.svg.setAttribute("viewBox", wave.whole.box);
}

function drawHead(wave) {
  const box = wave.svg.viewBox.baseVal;
  const x = box.x + (moved.fraction - begin) * zoom * box.width;
  wave.head.setAttribute("x1", x);
  wave.head.setAttribute("x2", x);
}

// What lies beside the waveforms, in thousandths of the recording.
function drawStrips() {
  for (const strip of compare.querySelectorAll(".strip")) {
    const { y, height } = strip.viewBox.baseVal;
    strip.setAttribute("viewBox", `${begin * 1000} ${y} ${1000 / zoom} ${height}`);
  }
}

function draw() {
  for (const wave of waves) {
    if (zoom === 1) drawWhole(wave);
    else if (wave.peaks) drawDetail(wave);
    drawHead(wave);
  }
  drawStrips();
  compare.dataset.zoom = zoom.toFixed(2);
  compare.dataset.from = (begin * moved.length).toFixed(2);
  shown.textContent = zoom === 1 ? "" : `${clock(begin * moved.length)} – ${clock((begin + 1 / zoom) * moved.length)}`;
}

// ---- what is seen of it ----

function most() {
  return Math.max(1, moved.length / SHORTEST_S);
}

function look(at) {
  begin = Math.min(Math.max(at, 0), 1 - 1 / zoom);
}

// Zooms so that what is under `anchor` (0 left, 1 right) stays there.
function zoomTo(wanted, anchor) {
  const there = begin + anchor / zoom;
  zoom = Math.min(Math.max(wanted, 1), most());
  look(there - anchor / zoom);
  for (const button of buttons.querySelectorAll("[data-zoom]")) {
    // Not `disabled`: the one that was pressed would lose the focus.
    button.ariaDisabled = String(button.dataset.zoom === "in" ? zoom >= most() : zoom === 1);
  }
  if (zoom > 1) fetchPeaks();
  draw();
}

function anchorOfHead() {
  const at = (moved.fraction - begin) * zoom;
  return at >= 0 && at <= 1 ? at : 0.5;
}

function follow() {
  const at = Number(((moved.fraction - begin) * zoom).toFixed(4)); // a click on the edge is within
  if (zoom === 1 || !following || (!moved.playing && at >= 0 && at <= 1)) return;
  // The head stays in the middle and the sound runs through it; or a page is turned, for who wants things to stay put.
  if (!still.matches || at < 0) look(moved.fraction - 0.5 / zoom);
  else if (at > 1) look(moved.fraction);
  else return;
  draw();
}

async function fetchPeaks() {
  const missing = waves.filter((wave) => !wave.peaks && !wave.asked);
  for (const wave of missing) wave.asked = true;
  await Promise.all(missing.map(fetchPeaksOf));
  draw();
}

async function fetchPeaksOf(wave) {
  try {
    const answer = await fetch(wave.figure.dataset.peaks);
    if (answer.ok) wave.peaks = new Uint8Array(await answer.arrayBuffer());
  } finally {
    wave.asked = Boolean(wave.peaks); // else the next zoom tries again
  }
}

compare.addEventListener("compare:moved", (event) => {
  const jumped = !event.detail.playing && event.detail.fraction !== moved.fraction;
  const began = event.detail.playing && !moved.playing;
  moved = event.detail;
  if (jumped || began) following = true;
  buttons.hidden = moved.length < WORTH_IT_S;
  for (const wave of waves) drawHead(wave);
  follow();
});

for (const button of buttons.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    if (button.dataset.zoom === "fit") zoomTo(1, 0);
    else zoomTo(button.dataset.zoom === "in" ? zoom * 2 : zoom / 2, anchorOfHead());
  });
}

// ---- fingers, mouse and wheel ----

function across(svg, clientX) {
  const box = svg.getBoundingClientRect();
  return Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
}

function seekTo(svg, clientX) {
  const detail = begin + across(svg, clientX) / zoom;
  compare.dispatchEvent(new CustomEvent("compare:seek", { detail }));
}

function touchable(svg) {
  const fingers = new Map();
  let pinch = null;
  const spread = () => {
    const [one, other] = [...fingers.values()];
    return { distance: Math.max(1, Math.abs(one - other)), middle: (one + other) / 2 };
  };
  svg.classList.add("seekable");
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    svg.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 2) pinch = { zoom, distance: spread().distance };
    else if (fingers.size === 1) seekTo(svg, event.clientX);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 2 && pinch) {
      const { distance, middle } = spread();
      zoomTo((pinch.zoom * distance) / pinch.distance, across(svg, middle));
    } else if (fingers.size === 1 && !pinch) seekTo(svg, event.clientX);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    svg.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      if (!fingers.size) pinch = null; // the finger that stays doesn't seek
    });
  }
  svg.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
      if (event.ctrlKey || event.metaKey) zoomTo(zoom * 2 ** (-event.deltaY / 200), across(svg, event.clientX));
      else if (zoom > 1 && sideways && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
        following = false;
        look(begin + sideways / svg.clientWidth / zoom);
        draw();
      } else return; // the page scrolls
      event.preventDefault();
    },
    { passive: false },
  );
}

for (const { svg } of waves) touchable(svg);
document.addEventListener("htmx:oobAfterSwap", drawStrips); // a new one shows all of the recording
