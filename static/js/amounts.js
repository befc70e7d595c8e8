// Amounts as people say them, in the language of the page.

const language = document.documentElement.lang;
const figures = new Intl.NumberFormat(language);

const unit = (value, name, digits = 0) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, maximumFractionDigits: digits }).format(value);

export const whole = (value) => figures.format(Math.ceil(value));

export const percent = (part) => new Intl.NumberFormat(language, { style: "percent" }).format(Math.floor(part * 100) / 100);

// "3.2 MB"; with "-per-second" after the unit a speed.
export function size(bytes, per = "") {
  const [name, divisor] = bytes >= 1e9 ? ["gigabyte", 1e9] : bytes >= 1e6 ? ["megabyte", 1e6] : ["kilobyte", 1e3];
  return unit(bytes / divisor, name + per, bytes / divisor < 10 ? 1 : 0);
}

// "4:12", "1:02:09"
export function clock(seconds) {
  const total = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, String(total % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// "4 min, 12 sec"; unless it is to be exact, what isn't needed to understand it is left out.
export function spoken(seconds, { exact = false } = {}) {
  const total = Math.max(exact ? 0 : 1, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const parts = [];
  if (hours) parts.push(unit(hours, "hour"));
  if (minutes) parts.push(unit(minutes, "minute"));
  if (exact ? rest || !total : !hours && rest) parts.push(unit(rest, "second"));
  return new Intl.ListFormat(language, { style: "narrow", type: "unit" }).format(parts);
}

// Nobody wants to know to the second how long something takes.
export const roughly = (seconds) => spoken(seconds < 60 ? Math.ceil(seconds / 5) * 5 : Math.ceil(seconds / 60) * 60);

export const listed = (names) => new Intl.ListFormat(language, { type: "conjunction" }).format(names);
