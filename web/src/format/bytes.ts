// The server counts bytes of UTF-8, JavaScript counts UTF-16 units. This is the one place that converts.
function bytesOf(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

// The index into `text` of a byte offset; inside a character: its beginning; past the end: the end.
export function indexOfByte(text: string, byte: number): number {
  let at = 0, index = 0;
  while (index < text.length) {
    const codePoint = text.codePointAt(index)!;
    const next = at + bytesOf(codePoint);
    if (next > byte) return index;
    at = next;
    index += codePoint > 0xffff ? 2 : 1;
  }
  return text.length;
}

export function splitAtBytes(text: string, begin: number, end: number): [before: string, passage: string, after: string] {
  const from = indexOfByte(text, begin);
  const to = Math.max(from, from + indexOfByte(text.slice(from), end - byteLength(text.slice(0, from))));
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

export function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += bytesOf(character.codePointAt(0)!);
  return bytes;
}
