// A notification of the browser once a conversion that was being watched is ready or has failed: for who ticked the box.

import { word } from "./words.js";

const tell = document.querySelector("#tell");
const notification = document.querySelector("#notification");
const WATCHED = `watched ${location.pathname}`;

function say(name) {
  document.querySelector("#notify-words").textContent = name ? word(`notification.${name}`) : "";
}

async function choose(event) {
  const box = event.target;
  say("");
  if (!box.checked || Notification.permission === "granted") return say(box.checked ? "on" : "");
  event.stopPropagation(); // choices.js keeps it once the browser agrees
  box.checked = false;
  if ((await Notification.requestPermission()) !== "granted") return say("denied");
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

if (tell) {
  // The page is loaded anew when it is finished: that page looks for this.
  sessionStorage.setItem(WATCHED, "yes");
  const box = document.querySelector("#notify");
  tell.hidden = false;
  if (!window.isSecureContext || !("Notification" in window)) {
    box.disabled = true;
    box.checked = false;
    say("impossible");
  } else {
    // Chosen on another browser, which this one knows nothing of.
    if (Notification.permission !== "granted") box.checked = false;
    box.addEventListener("change", choose);
  }
} else if (sessionStorage.getItem(WATCHED)) {
  sessionStorage.removeItem(WATCHED);
  const away = document.hidden || !document.hasFocus();
  if (notification && away && window.Notification?.permission === "granted") {
    const shown = new Notification(notification.dataset.title, { body: notification.dataset.body, tag: location.pathname });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
  }
}
