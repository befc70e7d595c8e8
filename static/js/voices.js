// Finding a voice among many: search, what to show, labels. And the stars, without leaving the page.

import { counted, word } from "./words.js";

const section = document.querySelector("#studio #voice");
const FEW = 12; // so many cards are no crowd

if (section) {
  const find = section.querySelector("#find-voice");
  const search = find.querySelector("#voice-search");
  const shows = [...find.querySelectorAll("[data-show]")];
  const labelPlace = find.querySelector("#voice-labels");
  const none = find.querySelector("#voices-none");
  const more = section.querySelector("#more-voices");
  const cards = [...section.querySelectorAll(".voice")].map((card) => ({
    card,
    box: card.querySelector("input"),
    labels: JSON.parse(card.dataset.labels),
    text: card.querySelector("label").textContent.toLocaleLowerCase(),
  }));
  const chosenLabels = new Set();
  let show = "all";
  let all = cards.length <= FEW;

  const wanted = {
    all: () => true,
    ticked: ({ box }) => box.checked,
    favourite: ({ card }) => card.hasAttribute("data-favourite"),
    recent: ({ card }) => card.hasAttribute("data-recent"),
  };

  function matches(entry) {
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    return (
      wanted[show](entry) &&
      words.every((word) => entry.text.includes(word)) &&
      [...chosenLabels].every((label) => entry.labels.includes(label))
    );
  }

  function draw() {
    const found = cards.filter(matches);
    const narrowed = show !== "all" || search.value || chosenLabels.size;
    // Of a crowd the first, and what is ticked: nothing that will be converted is out of sight.
    const shown = narrowed || all ? found : found.filter((entry, index) => index < FEW || entry.box.checked);
    for (const entry of cards) entry.card.hidden = !shown.includes(entry);
    for (const endpoint of section.querySelectorAll(".endpoint")) endpoint.hidden = !endpoint.querySelector(".voice:not([hidden])");
    more.hidden = shown.length === found.length;
    none.textContent = found.length ? "" : nothing();
  }

  function nothing() {
    if (show === "favourite") return word("voices.no_favourite");
    return show === "recent" ? word("voices.no_recent") : word("voices.none");
  }

  function count() {
    const place = section.querySelector("#voices-ticked");
    place.dataset.few ??= place.textContent;
    const ticked = cards.filter(({ box }) => box.checked).length;
    place.textContent = ticked > 1 ? counted("voices.ticked", ticked) : place.dataset.few;
  }

  function labelButtons() {
    const often = new Map();
    for (const { labels } of cards) for (const label of labels) often.set(label, (often.get(label) ?? 0) + 1);
    // A label that all have tells nothing.
    const telling = [...often].filter(([, times]) => times > 1 && times < cards.length).sort((a, b) => b[1] - a[1]).slice(0, 12);
    for (const [label] of telling) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "chip", textContent: label, ariaPressed: "false" });
      button.addEventListener("click", () => {
        button.ariaPressed = String(!chosenLabels.delete(label));
        if (button.ariaPressed === "true") chosenLabels.add(label);
        draw();
      });
      labelPlace.append(button);
    }
    labelPlace.hidden = !telling.length;
  }

  for (const button of shows) {
    button.addEventListener("click", () => {
      show = button.dataset.show;
      for (const other of shows) other.ariaPressed = String(other === button);
      draw();
    });
  }
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it searches already; it doesn't convert
  });
  const moreButton = more.querySelector("button");
  moreButton.textContent = counted("voices.show_all", cards.length);
  moreButton.addEventListener("click", () => {
    all = true;
    draw();
  });
  section.addEventListener("change", () => {
    count();
    if (show !== "ticked") draw();
  });

  const favourites = document.querySelector("#favourites");
  favourites.addEventListener("submit", async (event) => {
    const star = event.submitter;
    if (!star) return;
    event.preventDefault();
    const body = new FormData(favourites, star);
    const answer = await fetch(favourites.action, { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.status !== 204) return favourites.requestSubmit(); // signed out, say: the page itself will tell
    const card = star.closest(".voice");
    star.ariaPressed = String(card.toggleAttribute("data-favourite"));
    if (show === "favourite") draw();
  });

  // A place was chosen in a recording: what it is for opens.
  const audition = section.querySelector(".audition");
  audition.querySelector("#id_start").addEventListener("change", (event) => {
    audition.open = true;
    if (!event.isTrusted) audition.scrollIntoView({ block: "center" }); // who types it is there already
  });

  addEventListener("pageshow", () => {
    count();
    draw();
  });
  labelButtons();
  find.hidden = cards.length < 5; // few enough to see at a glance
  count();
  draw();
}
