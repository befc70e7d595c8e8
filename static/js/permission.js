// Ticking "Show a notification of the browser" asks the browser whether it may show any.

import { word } from "./words.js";

const place = document.querySelector("#notification");
const box = place.querySelector("input");
const words = document.querySelector("#notification-words");
const possible = window.isSecureContext && "Notification" in window;

function say(name) {
  words.textContent = name ? word(`notification.${name}`) : "";
}

if (!possible && box.checked) say("impossible");
box.addEventListener("change", async () => {
  say("");
  if (!box.checked) return;
  if (!possible) {
    box.checked = false;
    say("impossible");
  } else if ((await Notification.requestPermission()) !== "granted") {
    box.checked = false;
    say("denied");
  }
});
