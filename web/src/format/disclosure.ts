// Summary first: a long answer shows its first paragraphs, the rest on demand.
const longFrom = 700;      // characters: below it everything is seen at once
const summaryLeast = 200;  // a heading alone is no summary

export function splitSummary(text: string): [summary: string, rest: string] {
  if (text.length < longFrom) return [text, ""];
  const paragraphs = text.split(/\n{2,}/);
  let taken = 0, length = 0;
  while (taken < paragraphs.length && length < summaryLeast) length += paragraphs[taken++]!.length;
  const open = paragraphs.slice(0, taken).join("\n\n");
  const insideCode = (open.match(/^```/gm)?.length ?? 0) % 2 === 1;   // never cut a block of code in two
  if (taken === paragraphs.length || insideCode) return [text, ""];
  return [open, paragraphs.slice(taken).join("\n\n")];
}
