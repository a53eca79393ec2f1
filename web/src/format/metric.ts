// A metric's value in its own unit, and how it moved.
import type { MetricUnit } from "../api/types";
import { count } from "./format";

const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const smallMoney = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 3 });
const short = (value: number, digits: number) => String(Number(value.toFixed(digits)));

export function metricValue(value: number, unit: MetricUnit): string {
  switch (unit) {
    case "fraction": return `${short(value * 100, 1)} %`;
    case "seconds": return `${short(value, 2)} s`;
    case "score": return short(value, 2);
    case "usd": return value !== 0 && Math.abs(value) < 0.01 ? smallMoney.format(value) : money.format(value);
    case "minutes": return `${short(value, 0)} min`;
    case "per_second": return `${short(value, 1)}/s`;
    case "characters": return `${short(value, 1)} characters`;
    case "count": return count(value);
  }
}

// -1, 0, 1 and the size of the step; fractions move in points.
export function metricChange(now: number | null, before: number | null, unit: MetricUnit): { sign: number; by: string } | null {
  if (now === null || before === null) return null;
  const by = metricValue(Math.abs(now - before), unit);
  return { sign: by === metricValue(0, unit) ? 0 : Math.sign(now - before), by: unit === "fraction" ? by.replace(" %", " points") : by };
}

export function comparison(sign: string, target: number | null, unit: MetricUnit): string | null {
  if (target === null) return null;
  const signs: Record<string, string> = { ">=": "≥", "<=": "≤", "<": "<", ">": ">" };
  return `${signs[sign] ?? sign} ${metricValue(target, unit)}`;
}

// "2026-W47" plus n weeks, by way of the Thursday that names a week's year.
export function shiftWeek(week: string, by: number): string {
  const [year, number] = week.split("-W").map(Number) as [number, number];
  const fourth = new Date(Date.UTC(year, 0, 4));
  const monday = Date.UTC(year, 0, 4) - ((fourth.getUTCDay() + 6) % 7) * 86_400_000 + (number - 1 + by) * 7 * 86_400_000;
  return weekOf(monday);
}

export function weekOf(ms: number): string {
  const day = Math.floor(ms / 86_400_000);
  const thursday = new Date((day - ((day + 3) % 7) + 3) * 86_400_000);
  const year = thursday.getUTCFullYear();
  const number = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000));
  return `${year}-W${String(number).padStart(2, "0")}`;
}
