// What a CSV is before the server has judged it, and where in it the server's error is.
export type ImportKind = "satisfaction" | "developers" | "facts";
export const importKinds: readonly ImportKind[] = ["satisfaction", "developers", "facts"];
export const importKind = (text: string): ImportKind => importKinds.find((kind) => kind === text) ?? "satisfaction";
export const bytesMax = 1 << 20;   // product/outcome: kImportBytesMax

// Each record's first line by its number in the file (from 1); a quoted field may hold line breaks.
export function recordCount(csv: string): number {
  let records = 0, quoted = false, filled = false;
  for (const character of csv) {
    if (character === '"') quoted = !quoted;
    if (character === "\n" && !quoted) { if (filled) records += 1; filled = false; }
    else if (character.trim() !== "") filled = true;
  }
  if (filled) records += 1;
  return Math.max(0, records - 1);   // less the header
}

export interface BadLine { number: number; field: string; text: string; begin: number; end: number }
// "line 3, score: expected …" → where line 3 is in the text.
export function badLine(message: string, csv: string): BadLine | null {
  const match = /^line (\d+)(?:, ([\w ]+):)?/.exec(message);
  if (!match) return null;
  const number = Number(match[1]);
  let begin = 0;
  for (let line = 1; line < number; ++line) {
    const end = csv.indexOf("\n", begin);
    if (end < 0) return null;
    begin = end + 1;
  }
  const at = csv.indexOf("\n", begin);
  const end = at < 0 ? csv.length : at;
  return { number, field: match[2] ?? "", text: csv.slice(begin, end).replace(/\r$/, ""), begin, end };
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
export function exampleCsv(kind: ImportKind, week: string, now: number): string {
  const dayMs = 86_400_000;
  if (kind === "satisfaction") return `date,score\n${day(now - dayMs)},5\n${day(now - dayMs)},4\n${day(now)},3\n`;
  if (kind === "developers") return `date,developer,kind\n${day(now - dayMs)},ann,signup\n${day(now)},ann,first_call\n`;
  return `week,name,value\n${week},eligible_users,40\n${week},baseline_cost_per_resolution,5\n`;
}

export const today = (now: number) => day(now);
// A day that was typed, as unix seconds: its noon in UTC, or now where that is still to come.
export function enteredAt(date: string, now: number): number {
  const noon = Date.parse(`${date || day(now)}T12:00:00Z`);
  return Math.floor(Math.min(Number.isNaN(noon) ? now : noon, now) / 1000);
}
