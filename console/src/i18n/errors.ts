import { ApiError } from "../api/client";
import { messages } from "./index";

/** What a code means to a person: its last part, as AWS's legacy codes and types share most of them. */
const ALIASES: Record<string, string> = {
  NonExistentQueue: "QueueDoesNotExist",
  QueueAlreadyExists: "QueueNameExists",
  MissingParameter: "MissingRequiredParameterException",
  InvalidParameterValue: "InvalidParameterValueException",
  AccessDenied: "AccessDeniedException",
  ReceiptHandleInvalid: "ReceiptHandleIsInvalid",
};

/** An error in words: a sentence in the user's language where the code is known, and the server's own words. */
export function explain(error: unknown): { text: string; code: string; detail: string | null } {
  if (!(error instanceof ApiError)) {
    return { text: messages.value.errors.unexpected, code: error instanceof Error ? error.name : "Error", detail: String(error) };
  }
  const last = error.code.split(".").at(-1) ?? error.code;
  const words: Record<string, string> = messages.value.errors.codes;
  const known = words[last] ?? words[ALIASES[last] ?? ""];
  if (error.code === "Unreachable") return { text: messages.value.errors.unreachable, code: error.code, detail: null };
  if (known === undefined) return { text: error.message, code: error.code, detail: null };
  return { text: known, code: error.code, detail: error.message === known ? null : error.message };
}
