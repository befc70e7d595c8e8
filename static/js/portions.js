// Into how many pieces a recording is cut where it is longer than its endpoint takes at once, as s2s/audio/portions.py
// counts them: what is known here is its length and how large its file is.

const atMost = (value, most) => !most || !value || value <= Number(most);

const isWhole = ({ seconds, size }, { dataset }) => atMost(seconds, dataset.mostSeconds) && atMost(size, dataset.mostBytes);

function piecesOf(recording, voice) {
  const { longest, usual } = voice.dataset;
  const { seconds } = recording;
  if (!seconds || isWhole(recording, voice) || seconds <= Number(longest)) return 1;
  return Math.ceil(seconds / Number(usual));
}

// Whether it would be more pieces than are made.
export const isTooLong = (recording, voice) => !isWhole(recording, voice) && recording.seconds > Number(voice.dataset.most);

// The endpoints of `voices` that don't take all of the recordings at once: { name, longest, pieces }, one of each.
export function cutBy(voices, recordings) {
  const found = new Map();
  for (const voice of voices) {
    const pieces = recordings.map((recording) => piecesOf(recording, voice)).filter((count) => count > 1);
    const { endpoint, madeBy, longest } = voice.dataset;
    if (pieces.length) found.set(endpoint, { name: madeBy, longest: Number(longest), pieces: pieces.reduce((sum, count) => sum + count) });
  }
  return [...found.values()];
}
