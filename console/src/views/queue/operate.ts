import { ApiError } from "../../api/client";
import type { OperationResult } from "../../api/types";
import { count } from "../../format";
import { toast, toastError } from "../../ui/toasts";

const MOST_AT_ONCE = 100;

export interface Outcome {
  done: ReadonlySet<string>;
  /** Those with which it did not work. */
  left: ReadonlySet<string>;
  firstError: unknown;
}

/**
 * Does something to messages, as many at a time as the server takes, and gathers what became of each. What a later request
 * that fails leaves undone is told as such; where already the first fails, nothing was done, and the failure is thrown.
 */
export async function operateOn(
  sequences: readonly string[],
  operate: (some: string[]) => Promise<{ results: OperationResult[] }>,
  onProgress?: (done: number) => void,
): Promise<Outcome> {
  const done = new Set<string>();
  const left = new Set<string>();
  let firstError: Outcome["firstError"] = null;
  for (let at = 0; at < sequences.length; at += MOST_AT_ONCE) {
    let results: OperationResult[];
    try {
      ({ results } = await operate(sequences.slice(at, at + MOST_AT_ONCE)));
    } catch (failure) {
      if (at === 0) throw failure;
      for (const sequence of sequences.slice(at)) left.add(sequence);
      firstError ??= failure;
      break;
    }
    for (const { sequence, error } of results) {
      if (error) firstError ??= new ApiError(error.code, error.message, 400);
      (error ? left : done).add(sequence);
    }
    onProgress?.(done.size);
  }
  return { done, left, firstError };
}

export function reportOperation(outcome: Outcome, words: (amount: string) => string): void {
  if (outcome.done.size > 0) toast({ tone: "success", text: words(count(outcome.done.size)) });
  const { firstError } = outcome;
  if (firstError !== null) toastError(firstError);
}
