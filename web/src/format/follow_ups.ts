// Questions that could be asked next: headings of the cited document that the answer has not drawn from, those behind it first.
export interface Place { title: string; begin: number; end: number; level: number }

const most = 3;

export function followUps(headings: Place[], cited: { heading: string; begin: number }[]): string[] {
  const used = new Set(cited.flatMap((citation) => citation.heading.split(" > ")).map((title) => title.trim().toLowerCase()));
  const at = Math.max(0, ...cited.map((citation) => citation.begin));
  // A heading that others hang under names a whole part: too wide for a question.
  const leaves = headings.filter((heading, index) => (headings[index + 1]?.level ?? 0) <= heading.level);
  const fresh = leaves.filter((heading) => heading.title.length >= 3 && heading.title.length <= 60 && !used.has(heading.title.trim().toLowerCase()));
  const titles = [...fresh.filter((heading) => heading.begin > at), ...fresh.filter((heading) => heading.begin <= at)].map((heading) => heading.title.trim().replace(/[?.:!]+$/, ""));
  return [...new Set(titles)].slice(0, most);
}
