export type Level = "high" | "medium" | "low";
export const confidenceLevel = (value: number): Level => (value >= 0.8 ? "high" : value >= 0.5 ? "medium" : "low");
