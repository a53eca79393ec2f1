// "Twelve weeks. [1][2]" → ["Twelve weeks. ", 1, 2]: only numbers that are citations become chips.
export function splitCitations(text: string, known: ReadonlySet<number>): (string | number)[] {
  const parts: (string | number)[] = [];
  let from = 0;
  for (const match of text.matchAll(/\[(\d{1,3})\]/g)) {
    const number = Number(match[1]);
    if (!known.has(number)) continue;
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push(number);
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

// "Leave > Parental leave" of the document "Leave" → "Leave › Parental leave › page 2": the title is not said twice.
export function whereOf(place: { title: string; filename: string; heading: string; page: number | null }): string {
  const title = place.title || place.filename;
  const headings = place.heading.split(" > ").filter(Boolean);
  if (headings[0] === title) headings.shift();
  return [title, ...headings, place.page ? `page ${place.page}` : ""].filter(Boolean).join(" › ");
}
