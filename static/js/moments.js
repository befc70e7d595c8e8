// Places in a recording as people write them: "62.5", "1:02.5", "1:02:09" (conversions/forms/parts.py reads the same).

const MOMENT = /^(?:(?:(\d{1,3}):)?(\d{1,4}):)?(\d{1,6}(?:[.,]\d{1,6})?)$/;

// In seconds; null for what is no such place.
export function readMoment(text) {
  const found = MOMENT.exec(text.trim());
  if (!found) return null;
  const [hours, minutes, seconds] = found.slice(1);
  return 3600 * Number(hours ?? 0) + 60 * Number(minutes ?? 0) + Number(seconds.replace(",", "."));
}

export function writeMoment(seconds) {
  const hundredths = Math.round(seconds * 100);
  const [minutes, rest] = [Math.floor(hundredths / 6000), hundredths % 6000];
  const [hours, left] = [Math.floor(minutes / 60), minutes % 60];
  const [whole, part] = [String(Math.floor(rest / 100)).padStart(2, "0"), rest % 100];
  const fraction = part ? `.${String(part).padStart(2, "0")}`.replace(/0$/, "") : "";
  return `${hours ? `${hours}:${String(left).padStart(2, "0")}` : left}:${whole}${fraction}`;
}
