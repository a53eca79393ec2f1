// What the checker says of a text, as a mark at its line.
import { ApiError } from "../../api/client";
import type { Mark } from "../../kit/code_editor";

export const lineOf = (message: string) => Number(/\bline (\d+)/.exec(message)?.[1] ?? 0);
// A lost connection is no mistake in the text.
export function marksOf(error: unknown): Mark[] {
  if (!(error instanceof ApiError) || error.status !== 400) return [];
  return [{ line: lineOf(error.message), message: error.message }];
}

// A fresh name in a template's text: the same template can be put twice.
export function freshName(name: string, taken: readonly string[]): string {
  for (let number = 2, wanted = name; ; ++number) {
    if (!taken.includes(wanted)) return wanted;
    wanted = `${name}-${number}`;
  }
}
export const renamed = (text: string, name: string) => text.replace(/^flow:.*$/m, () => `flow: ${name}`);
