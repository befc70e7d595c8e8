// An audition: one voice sounds at a time, and the passage can begin where the whole recording's player stands.

import { oneStop } from "./one-stop.js";
import { onFailure } from "./player-failure.js";
import { word } from "./words.js";

document.addEventListener(
  "play",
  (event) => {
    event.target.hidden = false;
    for (const player of document.querySelectorAll("audio")) if (player !== event.target) player.pause();
  },
  true, // playing doesn't bubble
);

// The browser's own player shows once somebody listens; that of the whole recording is there to find a passage.
function takeOver() {
  for (const button of document.querySelectorAll(".player .play[hidden]")) {
    const player = button.nextElementSibling;
    player.hidden = !player.closest(".passage");
    oneStop(button, player);
  }
}
takeOver();

// Voices come one by one; that all can be heard is said once.
document.addEventListener("htmx:afterSettle", () => {
  takeOver();
  const main = document.querySelector("main");
  if (main.dataset.state === "ready" || document.querySelector(".tries [data-unfinished]")) return;
  main.dataset.state = "ready";
  document.querySelector("#announcement").textContent = word("voices.heard");
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
  const dead = () => (player.closest(".player").hidden = true); // no browser plays everything that we can read
  // Either may have happened before this script ran.
  if (player.readyState >= HTMLMediaElement.HAVE_METADATA) loaded();
  else player.addEventListener("loadedmetadata", loaded, { once: true });
  onFailure(player, { dead });
  fromPlayer.addEventListener("click", () => (start.value = player.currentTime.toFixed(1)));
}
