import { ApiError } from "../../api/client";
import type { OperationResult } from "../../api/types";
import { count } from "../../format";
import { toast, toastError } from "../../ui/toasts";

const MOST_AT_ONCE = 100;

export interface Outcome {
  done: ReadonlySet<string>;
  /** Those with which it did not work. */
  left: ReadonlySet<string>;
  firstError: { code: string; message: string } | null;
}

/** Does something to messages, as many at a time as the server takes, and gathers what became of each. */
export async function operateOn(
  sequences: readonly string[],
  operate: (some: string[]) => Promise<{ results: OperationResult[] }>,
  onProgress?: (done: number) => void,
): Promise<Outcome> {
  const done = new Set<string>();
  const left = new Set<string>();
  let firstError: Outcome["firstError"] = null;
  for (let at = 0; at < sequences.length; at += MOST_AT_ONCE) {
    const { results } = await operate(sequences.slice(at, at + MOST_AT_ONCE));
    for (const { sequence, error } of results) {
      if (error) firstError ??= error;
      (error ? left : done).add(sequence);
    }
    onProgress?.(done.size);
  }
  return { done, left, firstError };
}

export function reportOperation(outcome: Outcome, words: (amount: string) => string): void {
  if (outcome.done.size > 0) toast({ tone: "success", text: words(count(outcome.done.size)) });
  const { firstError } = outcome;
  if (firstError) toastError(new ApiError(firstError.code, firstError.message, 400));
}
