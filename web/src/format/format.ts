// Every number and date on the screen goes through here.
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const count = (value: number) => number.format(value);
export const percent = (value: number) => `${Math.round(value * 100)} %`;
export const score = (value: number | null | undefined) => (value === null || value === undefined ? "–" : value.toFixed(3));
export const plural = (value: number, one: string, many: string) => `${count(value)} ${value === 1 ? one : many}`;

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0, shown = value;
  while (shown >= 999.5 && unit < units.length - 1) { shown /= 1000; ++unit; }
  return `${unit === 0 || shown >= 99.95 ? Math.round(shown) : shown.toFixed(1)} ${units[unit]}`;
}

export function milliseconds(value: number): string {
  if (value < 9.95) return `${value.toFixed(1)} ms`;
  if (value < 999.5) return `${Math.round(value)} ms`;
  return `${(value / 1000).toFixed(1)} s`;
}

export function rate(value: number): string {
  return `${value > 0 && value < 99.95 ? value.toFixed(1) : count(value)} tokens/s`;
}

export function parameters(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} B`;
  if (value >= 1e6) return `${Math.round(value / 1e6)} M`;
  return count(value);
}

export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / 86400), hours = Math.floor((whole % 86400) / 3600), minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

// Seconds since 1970 → "5 minutes ago".
export function ago(at: number, now = Date.now() / 1000): string {
  const seconds = at - now, size = Math.abs(seconds);
  if (size < 45) return relative.format(0, "second");
  if (size < 45 * 60) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 22 * 3600) return relative.format(Math.round(seconds / 3600), "hour");
  if (size < 26 * 86400) return relative.format(Math.round(seconds / 86400), "day");
  if (size < 320 * 86400) return relative.format(Math.round(seconds / (30.4 * 86400)), "month");
  return relative.format(Math.round(seconds / (365.25 * 86400)), "year");
}

export const exact = (at: number) => new Date(at * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC";
