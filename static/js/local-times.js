// Times in the visitor's own time zone: the server knows only its own. Also for what htmx puts in later.

// In the language of the page, as the visitor's region writes it.
const page = document.documentElement.lang;
const language = navigator.languages.find((name) => name.split("-")[0] === page.split("-")[0]) ?? page;
const full = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "medium" });
const minute = new Intl.DateTimeFormat(language, { timeStyle: "short" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = exact.format(moment);
    if (time.dataset.local === "full") time.textContent = full.format(moment);
    if (time.dataset.local === "minute") time.textContent = minute.format(moment);
    if (time.dataset.local === "clock") time.textContent = clock.format(moment);
  }
}

localise(document);
document.addEventListener("htmx:load", (event) => localise(event.target));
