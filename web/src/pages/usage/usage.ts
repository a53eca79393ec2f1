import type { UsageRow } from "../../api/types";

// The day so many days before now, and its unix time; days are UTC.
export const dayBefore = (now: number, days: number) => new Date(now - (days - 1) * 86_400_000).toISOString().slice(0, 10);

// One row a day, also for days without a call: a line over days must not skip any.
export function everyDay(rows: readonly UsageRow[], from: string, to: string): UsageRow[] {
  const byDay = new Map(rows.map((row) => [row.key, row]));
  const days: UsageRow[] = [];
  const last = Date.parse(to);
  for (let at = Date.parse(from); at <= last && days.length < 3_700; at += 86_400_000) {
    const key = new Date(at).toISOString().slice(0, 10);
    days.push(byDay.get(key) ?? { key, calls: 0, failed: 0, unpriced_calls: 0, input_tokens: 0, cached_tokens: 0, output_tokens: 0, cpu_seconds: 0, cost: 0 });
  }
  return days;
}

// Where a row's calls can be seen one by one.
export function tracesOf(by: string, key: string): string {
  if (by === "day") { const begin = Date.parse(key) / 1000; return `/traces?from=${begin}&to=${begin + 86_400}`; }
  return key === "" ? "/traces" : `/traces?${by}=${encodeURIComponent(key)}`;
}

export const examplePrices = (models: readonly { id: string; remote: boolean }[]) => {
  const remote = models.filter((model) => model.remote);
  const entries = (remote.length > 0 ? remote.map((model) => model.id) : ["gpt-5-mini"]).map((id) => `[models.${JSON.stringify(id)}]\ninput = 0.25\ncached = 0.025   # what the provider had cached; left out: as input\noutput = 2.0\n`);
  return `currency = "USD"\n\n# For a million tokens.\n${entries.join("\n")}\n# What an hour of one core of this machine costs: the price of models that run here.\n[local]\ncpu_hour = 0.04\n`;
};
