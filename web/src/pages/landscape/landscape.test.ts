import { describe, expect, it } from "vitest";
import type { Landscape, LandscapeField, LandscapeModel } from "../../api/types";
import { axes, factSource, factText, idsOf, shownModels, situationOf, toggled } from "./landscape";

const fact = (value: string | number | null) => ({ value, source: "s", as_of: "2026-11", note: "", inherited: false });
const model = (id: string, more: Partial<LandscapeModel> = {}): LandscapeModel => ({
  id, name: id.toUpperCase(), family: "f", family_name: "Family", maker: "Maker", kinds: ["general"], input: ["text"], output: ["text"], aliases: [],
  open_weights: false, origin: "built in", here: [], hub: [], facts: { status: fact("current") }, ...more,
});
const landscape = {
  as_of: "2026-11", fields: [], sources: { s: { title: "A page", url: null } }, kinds: [], families: [], installed: [], own_file: { path: "", found: false, error: null },
  models: [model("one"), model("two", { kinds: ["code"], open_weights: true }), model("old", { facts: { status: fact("retired") } }), model("mine", { here: ["x"], aliases: ["nick"] })],
} satisfies Landscape;
const none = { q: "", kind: "", family: "", where: "", retired: "" };
const ids = (filters: Partial<typeof none>) => shownModels(landscape, { ...none, ...filters }).map((row) => row.id);

describe("shownModels", () => {
  it("leaves out what is retired until asked for", () => {
    expect(ids({})).toEqual(["one", "two", "mine"]);
    expect(ids({ retired: "yes" })).toContain("old");
  });
  it("filters by words, kind and place", () => {
    expect(ids({ q: "NICK mak" })).toEqual(["mine"]);
    expect(ids({ kind: "code" })).toEqual(["two"]);
    expect(ids({ where: "here" })).toEqual(["mine"]);
    expect(ids({ where: "open" })).toEqual(["two"]);
  });
});

describe("facts", () => {
  const field = (name: string, kind: LandscapeField["kind"]): LandscapeField => ({ name, kind, axis: "", meaning: "", ages: false });
  it("says unknown where nobody has said", () => {
    expect(factText(field("context_tokens", "count"), fact(null))).toBe("unknown");
    expect(factText(field("x", "text"), undefined)).toBe("unknown");
  });
  it("reads as a person reads", () => {
    expect(factText(field("context_tokens", "count"), fact(128000))).toBe("128,000");
    expect(factText(field("parameters", "count"), fact(8030000000))).toBe("8.0 B");
    expect(factText(field("price_in", "number"), fact(0.15))).toBe("$0.15");
    expect(factText(field("chat", "grade"), fact(4))).toBe("4 of 5");
  });
  it("names the source and its month, and for an unknown only the note", () => {
    expect(factSource(landscape, fact(1))).toBe("A page, 2026-11");
    expect(factSource(landscape, { ...fact(null), note: "ask your host" })).toBe("ask your host");
  });
  it("groups fields by axis, plain ones last", () => {
    const groups = axes([{ ...field("status", "text") }, { ...field("chat", "grade"), axis: "suitability" }, { ...field("coding", "grade"), axis: "suitability" }]);
    expect(groups.map(([axis, list]) => [axis, list.length])).toEqual([["suitability", 2], ["", 1]]);
  });
});

describe("choices in the address", () => {
  it("holds at most four models, the oldest goes", () => {
    expect(toggled(["a", "b", "c", "d"], "e")).toEqual(["b", "c", "d", "e"]);
    expect(toggled(["a", "b"], "a")).toEqual(["b"]);
    expect(idsOf("a,b,")).toEqual(["a", "b"]);
  });
  it("reads answers, and takes what is no number as none", () => {
    const answers: Record<string, string> = { docs: "yes", many: "12", wrong: "-3" };
    expect(situationOf([{ id: "docs", kind: "yes_no" }, { id: "other", kind: "yes_no" }, { id: "many", kind: "number" }, { id: "wrong", kind: "number" }], (id) => answers[id] ?? ""))
      .toEqual({ docs: true, other: false, many: 12, wrong: 0 });
  });
});
