import { expect, test } from "vitest";
import { byteLength, indexOfByte, splitAtBytes } from "./bytes";

const text = "aé€😀z\r\n👩‍👩‍👧 end";

test("every character's byte offset leads back to its index", () => {
  for (let index = 0; index <= text.length; ++index) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xdc00 && unit < 0xe000) continue;
    expect(indexOfByte(text, new TextEncoder().encode(text.slice(0, index)).length)).toBe(index);
  }
});

test("an offset inside a character is that character's beginning", () => {
  expect(indexOfByte("a😀b", 2)).toBe(1);
  expect(indexOfByte("a😀b", 4)).toBe(1);
  expect(indexOfByte("a😀b", 5)).toBe(3);
});

test("a passage is exactly the bytes between its offsets", () => {
  const bytes = new TextEncoder().encode(text);
  for (const passage of ["é€", "😀", "👩‍👩‍👧", "end", ""]) {
    const begin = new TextEncoder().encode(text.slice(0, text.indexOf(passage))).length;
    const end = begin + new TextEncoder().encode(passage).length;
    expect(splitAtBytes(text, begin, end)[1]).toBe(passage);
    expect(new TextDecoder().decode(bytes.slice(begin, end))).toBe(passage);
    expect(splitAtBytes(text, begin, end).join("")).toBe(text);
  }
});

test("offsets past the end or reversed never lose text", () => {
  expect(splitAtBytes("ab", 1, 99)).toEqual(["a", "b", ""]);
  expect(splitAtBytes("ab", 9, 12)).toEqual(["ab", "", ""]);
  expect(splitAtBytes("abc", 2, 1)).toEqual(["ab", "", "c"]);
});

test("lengths are those of the encoder", () => {
  expect(byteLength(text)).toBe(new TextEncoder().encode(text).length);
});
