// What is marked on a page of parts is kept in this browser until it is converted: of whoever marked it, for a day.
// A browser may refuse to keep anything; then nothing is.

const PREFIX = "parts ";
const KEPT_MS = 24 * 60 * 60 * 1000;

function trying(work) {
  try {
    return work();
  } catch (error) {
    console.info("what is marked can’t be kept:", error);
    return null;
  }
}

const nameOf = (path) => `${PREFIX}${document.body.dataset.user} ${path}`;

// `fields` of the form, as it would be sent; `sent`: it was, and nobody knows yet whether it was taken. True where it is kept.
export const keepMarks = (path, fields, sent = false) =>
  trying(() => {
    localStorage.setItem(nameOf(path), JSON.stringify({ at: Date.now(), fields, sent }));
    return true;
  });

// { fields, sent }, or null.
export const marksOf = (path) => trying(() => JSON.parse(localStorage.getItem(nameOf(path))));

export const forgetMarks = (path) => trying(() => localStorage.removeItem(nameOf(path)));

// Those that are older than a day, of anybody; all of them for who signs out.
export const forgetOldMarks = ({ all = false } = {}) =>
  trying(() => {
    for (const name of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      if (all || !(Date.now() - JSON.parse(localStorage.getItem(name)).at < KEPT_MS)) localStorage.removeItem(name);
    }
  });
