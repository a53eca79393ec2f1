// When a weekly schedule comes next. The server looks about once a minute and writes the update of the week before.
import { t } from "../text/en";
import { shiftWeek, weekOf } from "./metric";

export interface Next { at: number; week: string }
export function nextRun(schedule: { weekday: number; hour: number }, now: number): Next {
  const dayMs = 86_400_000, today = Math.floor(now / dayMs);
  const weekday = ((today + 3) % 7) + 1;   // 1970-01-01 was a Thursday
  let at = (today + ((schedule.weekday - weekday + 7) % 7)) * dayMs + schedule.hour * 3_600_000;
  if (at <= now) at += 7 * dayMs;
  return { at, week: shiftWeek(weekOf(at), -1) };
}

export const clock = (hour: number) => `${String(hour).padStart(2, "0")}:00 UTC`;
export const everyWeek = (schedule: { weekday: number; hour: number }) => `every ${t.reports.days[schedule.weekday - 1] ?? ""} at ${clock(schedule.hour)}`;
