import { computed } from "@preact/signals";
import { language } from "../settings";
import { en } from "./en";
import { ko } from "./ko";

/** Every text that the console shows. English is the model: a language that misses one of its keys does not compile. */
export type Messages = typeof en;

const tables: Record<typeof language.value, Messages> = { en, ko };

/** The table of the language that is chosen now; a component that reads it is drawn anew when that changes. */
export const messages = computed(() => tables[language.value]);
