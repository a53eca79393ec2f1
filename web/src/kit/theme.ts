export type Theme = "auto" | "light" | "dark";
const kKey = "strata.theme";
export function storedTheme(): Theme {
  const value = localStorage.getItem(kKey);
  return value === "light" || value === "dark" ? value : "auto";
}
export function applyTheme(theme: Theme) {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  localStorage.setItem(kKey, theme);
}
export const nextTheme = (theme: Theme): Theme => (theme === "auto" ? "light" : theme === "light" ? "dark" : "auto");
