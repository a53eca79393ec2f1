import { expect, test } from "vitest";
import { money, price } from "./money";

test("an amount keeps its cents, a small one the digits that mean something", () => {
  expect(money(2.5, "USD")).toBe("$2.50");
  expect(money(0, "USD")).toBe("$0.00");
  expect(money(0.000123456, "USD")).toBe("$0.000123");
  expect(money(1.5, "EUR")).toBe("€1.50");
  expect(money(1.5, "not a currency")).toBe("1.5 not a currency");
});

test("a price is as it was stated", () => {
  expect(price(0.025, "USD")).toBe("$0.025");
  expect(price(2, "USD")).toBe("$2.00");
  expect(price(2, "?")).toBe("2 ?");
});
