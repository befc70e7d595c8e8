// Around htmx's live search: short addresses, and how many were found for those who can't see it.

// On a phone the chips are one line that scrolls: the chosen one is in sight.
document.querySelector(".chip:has(:checked)")?.scrollIntoView({ inline: "center", block: "nearest" });

document.addEventListener("htmx:configRequest", (event) => {
  const { parameters } = event.detail;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

document.addEventListener("htmx:beforeSwap", (event) => {
  // Signed out meanwhile: the answer came from the sign-in page, which is no list.
  const from = new URL(event.detail.xhr.responseURL || location.href);
  if (from.pathname !== location.pathname) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

document.addEventListener("htmx:afterSettle", () => {
  document.querySelector("#announcement").textContent = document.querySelector("#found")?.textContent ?? "";
  // "Older" went with the rows that it stood under.
  if (document.activeElement === document.body) document.querySelector("#rows").focus({ preventScroll: true });
});

// What was chosen before this ran, or what the browser has filled in again, and nobody has looked for.
document.addEventListener(
  "htmx:load",
  () => {
    const filters = document.querySelector("#filters");
    const shown = new URLSearchParams(location.search);
    const differs = ([name, value]) => value !== (shown.get(name) ?? "");
    if ([...new FormData(filters)].some(differs)) filters.requestSubmit();
  },
  { once: true },
);
