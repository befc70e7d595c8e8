// The film with the new voice. Played by itself it sounds, alone (pieces.js); while one compares, its pictures follow the
// transport without a sound, so that whoever switches sees the lips to each voice. What this browser can't show says so.

import { onFailure } from "./player-failure.js";

const LATE_S = 0.15; // less isn't seen, and seeking takes as long
const compare = document.querySelector("#compare");
let video = null;
let led = false; // by the transport
let shown = 0; // the fraction that the transport last said

function attend() {
  const found = document.querySelector("#film video");
  if (!found || found === video) return;
  video = found;
  led = false;
  onFailure(video, {
    dead() {
      video.hidden = true;
      video.parentElement.querySelector(".unplayable").hidden = false;
    },
  });
}

function lead(playing) {
  led = playing;
  video.muted = playing;
  video.controls = !playing; // it would be set back at once
  if (playing) video.play().catch(() => {}); // what it can't do says its error
  else video.pause();
}

compare.addEventListener("compare:moved", ({ detail: { fraction, length, playing } }) => {
  const moved = fraction !== shown;
  shown = fraction;
  if (!video || video.hidden || !video.readyState) return;
  if (playing !== led) lead(playing);
  else if (!playing && (!moved || !video.paused)) return;
  if (!video.seeking && Math.abs(video.currentTime - fraction * length) > LATE_S) video.currentTime = fraction * length;
});

document.addEventListener("htmx:afterSettle", attend); // it is made while one waits
attend();
