// A page that is loaded anew because what it watches has moved on. A reload loses the focus: it goes back to what had it, if
// that is still there, also within what is folded now, and else to the state. What has happened is said.

const PLACE = `focus ${location.pathname}`;

// Before such a reload.
export function keepPlace(said = "") {
  const { activeElement: here } = document;
  const beside = here?.closest("li[id]")?.querySelector("a[id], button[id]"); // where a button comes and goes
  sessionStorage.setItem(PLACE, JSON.stringify({ at: [here?.id, beside?.id].filter(Boolean), said }));
}

document.addEventListener("htmx:beforeOnLoad", ({ detail: { xhr } }) => {
  if (xhr.getResponseHeader("HX-Refresh")) keepPlace(xhr.responseText);
});

// What comes in the place of something that had the focus takes it as a whole, where nothing of it does.
let swapped = "";
document.addEventListener("htmx:beforeSwap", ({ target }) => {
  if (target.contains(document.activeElement)) swapped = target.id;
});
document.addEventListener("htmx:afterSettle", () => {
  if (swapped && document.activeElement === document.body) document.getElementById(swapped)?.focus({ preventScroll: true });
  swapped = "";
});

// A form that leads back to this page.
document.addEventListener("submit", ({ target }) => target.matches("[data-returns]") && keepPlace());

const place = JSON.parse(sessionStorage.getItem(PLACE));
if (place !== null) {
  sessionStorage.removeItem(PLACE);
  for (const there of [...place.at, "arrival"].map((id) => document.getElementById(id))) {
    for (let fold = there?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    there?.focus({ preventScroll: true });
    if (there && document.activeElement === there) break;
  }
  // At the state itself it is heard already.
  const announcement = document.querySelector("#announcement");
  if (announcement && document.activeElement?.id !== "arrival") announcement.textContent = place.said;
}
