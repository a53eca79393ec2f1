import { expect, test } from "vitest";
import { everyWeek, nextRun } from "./schedule";

const iso = (schedule: { weekday: number; hour: number }, now: string) => {
  const next = nextRun(schedule, Date.parse(now));
  return [new Date(next.at).toISOString().slice(0, 16), next.week];
};

test("the next run is the next such weekday and hour, for the week before it", () => {
  expect(iso({ weekday: 1, hour: 6 }, "2026-11-22T12:00:00Z")).toEqual(["2026-11-23T06:00", "2026-W47"]);
  expect(iso({ weekday: 1, hour: 6 }, "2026-11-23T05:59:00Z")).toEqual(["2026-11-23T06:00", "2026-W47"]);
  expect(iso({ weekday: 1, hour: 6 }, "2026-11-23T06:00:00Z")).toEqual(["2026-11-30T06:00", "2026-W48"]);
  expect(iso({ weekday: 7, hour: 23 }, "2026-12-28T00:00:00Z")).toEqual(["2027-01-03T23:00", "2026-W52"]);
});

test("it is said as people say it", () => {
  expect(everyWeek({ weekday: 1, hour: 6 })).toBe("every Monday at 06:00 UTC");
});
