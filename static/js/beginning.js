// What has come of the result is heard while the rest still comes: what has come meanwhile is gone on with where the player
// came to its end. Without this module the link opens the sound. The link comes and changes by polling.

import { oneStop } from "./one-stop.js";
import { onFailure } from "./player-failure.js";
import { word } from "./words.js";

const room = document.querySelector("#beginning");
const player = room.querySelector("audio");
const place = room.querySelector(".player");
let awaits = false;

const link = () => room.querySelector("#begun a");
const answerAt = (address) => new URL(address).searchParams.get("of").split("-")[0];

function say(words) {
  room.querySelector("#begun-said").textContent = words;
}

function listen(from) {
  awaits = false;
  say("");
  room.querySelector(".unplayable").hidden = true;
  place.hidden = false;
  player.src = link().href;
  player.currentTime = from;
  player.play().catch(() => {}); // interrupted, or dead: its error event says so
}

// A call that broke off is made again, and what comes then is another sound.
const isLost = () => !link() || answerAt(link().href) !== answerAt(player.src);

function goOn() {
  if (isLost()) {
    awaits = false;
    return say(word("beginning.lost"));
  }
  if (link().href !== player.src) return listen(player.currentTime);
  awaits = true;
  say(word("beginning.awaited"));
}

function bury() {
  place.hidden = true;
  if (isLost()) say(word("beginning.lost"));
  else room.querySelector(".unplayable").hidden = false;
}

oneStop(place.querySelector(".play"), player);
onFailure(player, { dead: bury });
player.addEventListener("ended", goOn);
player.addEventListener("seeking", () => (awaits = false));

room.addEventListener("click", (event) => {
  const pressed = event.target.closest("#begun a");
  if (!pressed || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  listen(0);
});

document.addEventListener("htmx:oobAfterSwap", () => {
  room.hidden = !link() && place.hidden;
  if (awaits) goOn();
});
