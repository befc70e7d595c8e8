// A page that is loaded anew because what it watches has moved on. A reload loses the focus: it goes back to what had it, if
// that is still there, and else to the state.

const PLACE = `focus ${location.pathname}`;

// Before such a reload.
export function keepPlace() {
  sessionStorage.setItem(PLACE, document.activeElement?.id ?? "");
}

document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
  if (detail.xhr.getResponseHeader("HX-Refresh")) keepPlace();
});

const place = sessionStorage.getItem(PLACE);
if (place !== null) {
  sessionStorage.removeItem(PLACE);
  for (const there of [document.getElementById(place), document.querySelector("#arrival")]) {
    there?.focus({ preventScroll: true });
    if (there && document.activeElement === there) break;
  }
}
