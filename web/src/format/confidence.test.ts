import { expect, test } from "vitest";
import { shownConfidence } from "./confidence";

test("what the API says is shown: colour, icon, words, and no disclaimer where there is none", () => {
  expect(shownConfidence({ label: "high_confidence", treatment: { border_color: "#27ae60", icon: "check_circle", disclaimer: null } }))
    .toEqual({ level: "high", color: "#27ae60", icon: "check_circle", words: "High confidence", disclaimer: "" });
  expect(shownConfidence({ label: "low_confidence", treatment: { border_color: "#e94560", icon: "warning", disclaimer: "Low confidence. Please verify before using." } }))
    .toEqual({ level: "low", color: "#e94560", icon: "warning", words: "Low confidence", disclaimer: "Low confidence. Please verify before using." });
});
