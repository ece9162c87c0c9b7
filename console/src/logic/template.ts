/**
 * Bodies come from strangers, too: each part ends where the next begins, and none is longer than a bound, so that a text full of
 * beginnings costs no more than its length.
 */
const PLACEHOLDER = /\{\{[ \t]{0,8}([a-z0-9]{1,10})(?:[ \t]([^{}]{0,500}))?\}\}/g;

/**
 * Fills `{{…}}` in a message that is sent many times: `n` (from 1), `n0` (from 0), `uuid`, `now` (ISO 8601), `ms` (since
 * 1970), `random` (0 to 999,999), `pick a|b|c`. Anything else in braces is left alone: bodies may have braces of their own.
 */
export function fill(text: string, n: number, nowMs: number, random: () => number = Math.random): string {
  return text.replace(PLACEHOLDER, (whole, name: string, rest: string | undefined) => {
    switch (name) {
      case "n":
        return String(n);
      case "n0":
        return String(n - 1);
      case "uuid":
        return uuid(random);
      case "now":
        return new Date(nowMs).toISOString();
      case "ms":
        return String(nowMs);
      case "random":
        return String(Math.floor(random() * 1_000_000));
      case "pick": {
        const choices = (rest ?? "").trim().split("|");
        return choices[Math.floor(random() * choices.length)] ?? whole;
      }
      default:
        return whole;
    }
  });
}

/** The text with digits in the place of each placeholder, as many as it is long: what comes after stays where it was. */
export function withDigits(text: string): string {
  return text.replace(PLACEHOLDER, (found) => "1".repeat(found.length));
}

export const PLACEHOLDERS = ["{{n}}", "{{uuid}}", "{{now}}", "{{ms}}", "{{random}}", "{{pick a|b|c}}"] as const;

// crypto.randomUUID is missing where the page did not come over TLS or from this machine.
function uuid(random: () => number): string {
  return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (place) => {
    const digit = Math.floor(random() * 16);
    return (place === "x" ? digit : (digit & 3) | 8).toString(16);
  });
}
