// Compare: one player sounds at a time, both can be switched at the same place, and the waveforms show and take the position.

const tracks = [...document.querySelectorAll("#compare .track")];
const players = tracks.map((track) => track.querySelector("audio")).filter(Boolean);
const switcher = document.querySelector("#switch");

function showDead(track, player) {
  player.hidden = true;
  track.querySelector(".unplayable").hidden = false;
  if (switcher) switcher.hidden = true;
}

function drawHead(waveform, player) {
  const head = waveform.querySelector(".head");
  const x = player.duration ? (player.currentTime / player.duration) * waveform.viewBox.baseVal.width : 0;
  head.setAttribute("x1", x);
  head.setAttribute("x2", x);
}

function follow(waveform, player) {
  drawHead(waveform, player);
  if (!player.paused) requestAnimationFrame(() => follow(waveform, player));
}

for (const track of tracks) {
  const player = track.querySelector("audio");
  if (!player) continue;
  player.addEventListener("error", () => showDead(track, player));
  if (player.error) showDead(track, player); // it failed before this module ran
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
  });
  const waveform = track.querySelector(".waveform");
  if (!waveform) continue;
  player.addEventListener("play", () => follow(waveform, player));
  player.addEventListener("timeupdate", () => drawHead(waveform, player));
  player.addEventListener("seeking", () => drawHead(waveform, player));
  waveform.classList.add("seekable");
  waveform.addEventListener("click", (event) => {
    if (!player.duration) return;
    const box = waveform.getBoundingClientRect();
    player.currentTime = ((event.clientX - box.left) / box.width) * player.duration;
  });
}

function switchVoice() {
  const [original, converted] = players;
  const from = original.paused ? converted : original;
  // Nothing has been played yet: begin with the original, so that the first switch is heard as a change.
  const to = players.every((player) => player.paused && player.currentTime === 0) ? original : from === original ? converted : original;
  if (to !== from) to.currentTime = Math.min(from.currentTime, to.duration || 0);
  from.pause();
  to.play();
}

if (switcher && players.length === 2) {
  switcher.hidden = players.some((player) => player.error);
  switcher.querySelector("button").addEventListener("click", switchVoice);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key.toLowerCase() === "x" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) switchVoice();
  });
}
