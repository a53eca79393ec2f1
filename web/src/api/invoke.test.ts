import { expect, test } from "vitest";
import { place } from "./invoke";

test("an operation's names are put into its path, each as one segment", () => {
  expect(place("PATCH /strata/v1/drafts/{draft}", { draft: "draft_1" })).toEqual(["PATCH", "/strata/v1/drafts/draft_1"]);
  expect(place("GET /strata/v1/a/{one}/b/{two}", { one: "../x", two: "ü" })).toEqual(["GET", "/strata/v1/a/..%2Fx/b/%C3%BC"]);
  expect(place("POST /strata/v1/specs", {})).toEqual(["POST", "/strata/v1/specs"]);
});
