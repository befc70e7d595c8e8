// An audition: one voice sounds at a time, and the passage can begin where the whole recording's player stands.

import { onFailure } from "./player-failure.js";

document.addEventListener(
  "play",
  (event) => {
    for (const player of document.querySelectorAll("audio")) if (player !== event.target) player.pause();
  },
  true, // playing doesn't bubble
);

// Voices come one by one; that all can be heard is said once.
document.addEventListener("htmx:afterSettle", () => {
  const main = document.querySelector("main");
  if (main.dataset.state === "ready" || document.querySelector(".tries [data-unfinished]")) return;
  main.dataset.state = "ready";
  document.querySelector("#announcement").textContent = document.querySelector(".tries").dataset.done;
});

const passage = document.querySelector(".passage");
const fromPlayer = document.querySelector("#from-player");

if (passage) {
  const player = passage.querySelector("audio");
  const start = passage.querySelector("#id_start");
  const loaded = () => {
    fromPlayer.hidden = false;
    player.currentTime = Number(start.value) || 0;
  };
  const dead = () => (player.hidden = true); // no browser plays everything that we can read
  // Either may have happened before this script ran.
  if (player.readyState >= HTMLMediaElement.HAVE_METADATA) loaded();
  else player.addEventListener("loadedmetadata", loaded, { once: true });
  onFailure(player, { dead });
  fromPlayer.addEventListener("click", () => (start.value = player.currentTime.toFixed(1)));
}
