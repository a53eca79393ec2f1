import { expect, test } from "vitest";
import { confidenceLevel } from "./confidence";

test("levels change exactly at 0.8 and 0.5", () => {
  expect([1, 0.8, 0.7999, 0.5, 0.4999, 0].map(confidenceLevel)).toEqual(["high", "high", "medium", "medium", "low", "low"]);
});
