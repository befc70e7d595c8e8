// The shelf: what was recorded or chosen and isn't sent yet lies in this browser (IndexedDB), so that a reload loses nothing.
// A row carries its user, and the page that looks after it: what belongs to another tab that is open stays there.
// Its sound lies in pieces, so that a running recording grows, and that a change of the row doesn't copy it again.
// Some browsers refuse to keep anything and some never answer (WebKit's private windows take a sound and then fire neither
// `complete` nor `abort`): everything here ends, well or with an error.

import { within } from "./patience.js";

const ANSWER_MS = 5000;
const BYTES_PER_MS = 2000; // a slow disk's
const DAY_MS = 24 * 3600 * 1000;
const UNDO_MS = 10 * 60 * 1000; // what was removed can be had back after a reload, too
const NAME = "timbre-shelf";
const user = document.body.dataset.user;
const page = `timbre-page-${crypto.randomUUID?.() ?? Math.random()}`;
let opened = null;
let kept = 0;
let underWay = 0; // bytes

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("rows", { keyPath: "id" });
    request.result.createObjectStore("pieces", { keyPath: ["id", "number"] });
  };
  return new Promise((resolve, reject) => {
    request.onblocked = () => reject(new Error("another tab holds another version of the shelf"));
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const shelf = request.result;
      shelf.onclose = () => (opened = null); // somebody cleared the browser's storage
      shelf.onversionchange = () => {
        shelf.close(); // a tab with a later version of this page waits for it
        opened = null;
      };
      resolve(shelf);
    };
  });
}

async function database() {
  try {
    return await within(ANSWER_MS, (opened ??= open()));
  } catch (error) {
    if (error.name !== "TimeoutError") opened = null; // perhaps the next one has more luck
    throw error;
  }
}

// All that is being stored is waited for by whatever comes after it. `bytes`: how much this one stores.
async function ask(work, bytes = 0) {
  underWay += bytes;
  try {
    return await within(ANSWER_MS + underWay / BYTES_PER_MS, work);
  } finally {
    underWay -= bytes;
  }
}

// Done when it is stored; fails when there is no room, no IndexedDB, or no answer.
async function write(work, bytes = 0) {
  const transaction = (await database()).transaction(["rows", "pieces"], "readwrite");
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  done.catch(() => {}); // it is told below
  try {
    await ask(Promise.all([done, work(transaction.objectStore("rows"), transaction.objectStore("pieces"))]), bytes);
  } catch (error) {
    if (bytes) giveUp(transaction);
    throw error;
  }
}

// What counts as not kept must not be kept later; what was to be forgotten may.
function giveUp(transaction) {
  try {
    transaction.abort();
  } catch {
    // it has ended already
  }
}

const piecesOf = (id) => IDBKeyRange.bound([id, 0], [id, Infinity]);

// `row`: id, name, type, recorded (with the microphone), running (more pieces are to come), removed (when; ms).
export const keep = (row, file) =>
  write((rows, pieces) => {
    pieces.delete(piecesOf(row.id));
    rows.put({ ...row, user, page, at: Date.now() + (kept++ % 1000) / 1000 }); // in the order in which they came
    return asked(pieces.put({ id: row.id, number: 0, blob: file }));
  }, file.size);

// Only to a row that there is: who signs out in the middle of recording leaves nothing.
export const keepPiece = (id, number, blob) =>
  write(async (rows, pieces) => {
    if (await asked(rows.getKey(id))) await asked(pieces.put({ id, number, blob }));
  }, blob.size);

// Whether it is there.
export async function mark(id, facts) {
  let row;
  await write(async (rows) => {
    row = await asked(rows.get(id));
    if (row) rows.put({ ...row, ...facts });
  });
  return Boolean(row);
}

export const forget = (id) =>
  write((rows, pieces) => {
    rows.delete(id);
    pieces.delete(piecesOf(id));
  });

// A page before a reload may need a moment to let go.
async function isOpen(other) {
  if (!navigator.locks) return false; // over plain HTTP nobody can tell
  try {
    return await navigator.locks.request(other, { signal: AbortSignal.timeout(500) }, () => false);
  } catch {
    return true;
  }
}

async function adopt(row) {
  await mark(row.id, { page });
  const store = (await database()).transaction("pieces").objectStore("pieces");
  const blobs = (await ask(asked(store.getAll(piecesOf(row.id))))).map(({ blob }) => blob);
  if (!blobs.length) await forget(row.id); // it ended before its first second
  const whole = blobs.length === 1 && blobs[0] instanceof File;
  const file = whole ? blobs[0] : new File(blobs, row.name, { type: row.type, lastModified: Math.round(row.at) });
  return { ...row, file: blobs.length ? file : null };
}

const rows = async () => ask(asked((await database()).transaction("rows").objectStore("rows").getAll()));

async function forgetAll(which) {
  for (const row of await rows()) if (which(row)) await forget(row.id);
}

const tooOld = ({ at, removed }) => at < Date.now() - DAY_MS || (removed && removed < Date.now() - UNDO_MS);

// Whether there is a shelf in this browser: a page that only looks makes none.
const exists = async () => (await ask(indexedDB.databases())).some(({ name }) => name === NAME);

// Anybody's that is too old.
export async function expire() {
  if (await exists()) await forgetAll(tooOld);
}

// All of this user's.
export async function clear() {
  if (await exists()) await forgetAll((row) => row.user === user);
}

// What this user left behind, oldest first; from now on this page looks after it. What is too old is thrown away.
export async function takeOver() {
  navigator.locks?.request(page, () => new Promise(() => {})).catch(() => {}); // held as long as the page lives
  await forgetAll(tooOld);
  const mine = (await rows()).filter((row) => row.user === user).sort((one, other) => one.at - other.at);
  const others = [...new Set(mine.map((row) => row.page))];
  const open = new Map(await Promise.all(others.map(async (other) => [other, await isOpen(other)])));
  const left = [];
  for (const row of mine) if (!open.get(row.page)) left.push(await adopt(row));
  return left.filter(({ file }) => file);
}
