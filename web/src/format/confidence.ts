// How confidence is shown: colour, icon and words of the API's label and treatment, in this one place.
import type { Label, Strata, Treatment } from "../api/types";
import { t } from "../text/en";

export type Level = "high" | "medium" | "low";
export interface ShownConfidence { level: Level; color: string; icon: Treatment["icon"]; words: string; disclaimer: string }

const levels: Record<Label, Level> = { high_confidence: "high", medium_confidence: "medium", low_confidence: "low" };

export function shownConfidence(strata: Pick<Strata, "label" | "treatment">): ShownConfidence {
  const level = levels[strata.label];
  return { level, color: strata.treatment.border_color, icon: strata.treatment.icon, words: t.confidence[level], disclaimer: strata.treatment.disclaimer ?? "" };
}
