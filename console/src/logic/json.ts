/**
 * A JSON reader that keeps what JSON.parse throws away: numbers as they were written (a 64 bit id must not change
 * because somebody looked at it), the order of keys, keys that appear twice, and where an error is.
 */

export type Json =
  | { kind: "object"; entries: [string, Json][] }
  | { kind: "array"; items: Json[] }
  | { kind: "string"; value: string }
  | { kind: "number"; text: string }
  | { kind: "literal"; text: "true" | "false" | "null" };

export type JsonProblem = "unexpected-end" | "unexpected" | "bad-string" | "bad-number" | "too-deep" | "trailing";

export class JsonError extends Error {
  constructor(
    readonly problem: JsonProblem,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${problem} at ${line}:${column}`);
  }
}

const MAX_DEPTH = 400;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
const LITERALS = ["true", "false", "null"] as const;

export function parseJson(text: string): Json {
  const reader = new Reader(text);
  reader.space();
  const value = reader.value(0);
  reader.space();
  if (reader.at < text.length) reader.fail("trailing");
  return value;
}

/** The value, or null where the text is no JSON. */
export function tryJson(text: string): Json | null {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

class Reader {
  at = 0;

  constructor(private readonly text: string) {}

  fail(problem: JsonProblem): never {
    const before = this.text.slice(0, this.at);
    const line = before.split("\n").length;
    throw new JsonError(problem, line, this.at - before.lastIndexOf("\n"));
  }

  space(): void {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) this.fail("too-deep");
    const next = this.text[this.at];
    if (next === undefined) this.fail("unexpected-end");
    if (next === "{") return this.object(depth);
    if (next === "[") return this.array(depth);
    if (next === '"') return { kind: "string", value: this.string() };
    for (const literal of LITERALS) {
      if (this.text.startsWith(literal, this.at)) {
        this.at += literal.length;
        return { kind: "literal", text: literal };
      }
    }
    return this.number();
  }

  private number(): Json {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) this.fail(/[-\d]/.test(this.text[this.at] ?? "") ? "bad-number" : "unexpected");
    this.at = NUMBER.lastIndex;
    if (/[\d.eE+]/.test(this.text[this.at] ?? "")) this.fail("bad-number");
    return { kind: "number", text: found[0] };
  }

  private string(): string {
    const start = this.at;
    for (this.at += 1; ; this.at += 1) {
      const next = this.text[this.at];
      if (next === undefined || next === "\n") this.fail("bad-string");
      if (next === "\\") this.at += 1;
      else if (next === '"') break;
    }
    this.at += 1;
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      this.at = start;
      this.fail("bad-string");
    }
  }

  private object(depth: number): Json {
    const entries: [string, Json][] = [];
    this.at += 1;
    this.space();
    if (this.take("}")) return { kind: "object", entries };
    for (;;) {
      if (this.text[this.at] !== '"') this.fail(this.at >= this.text.length ? "unexpected-end" : "unexpected");
      const key = this.string();
      this.space();
      this.expect(":");
      this.space();
      entries.push([key, this.value(depth + 1)]);
      this.space();
      if (this.take("}")) return { kind: "object", entries };
      this.expect(",");
      this.space();
    }
  }

  private array(depth: number): Json {
    const items: Json[] = [];
    this.at += 1;
    this.space();
    if (this.take("]")) return { kind: "array", items };
    for (;;) {
      items.push(this.value(depth + 1));
      this.space();
      if (this.take("]")) return { kind: "array", items };
      this.expect(",");
      this.space();
    }
  }

  private take(wanted: string): boolean {
    if (this.text[this.at] !== wanted) return false;
    this.at += 1;
    return true;
  }

  private expect(wanted: string): void {
    if (!this.take(wanted)) this.fail(this.at >= this.text.length ? "unexpected-end" : "unexpected");
  }
}

/** Lays a value out over lines; `indent` 0 puts all of it on one. */
export function writeJson(value: Json, indent = 2): string {
  const write = (node: Json, margin: string): string => {
    const deeper = margin + " ".repeat(indent);
    const [open, between, end] = indent === 0 ? ["", ",", ""] : [`\n${deeper}`, `,\n${deeper}`, `\n${margin}`];
    switch (node.kind) {
      case "object": {
        if (node.entries.length === 0) return "{}";
        const colon = indent === 0 ? ":" : ": ";
        const parts = node.entries.map(([key, item]) => `${JSON.stringify(key)}${colon}${write(item, deeper)}`);
        return `{${open}${parts.join(between)}${end}}`;
      }
      case "array":
        return node.items.length === 0 ? "[]" : `[${open}${node.items.map((item) => write(item, deeper)).join(between)}${end}]`;
      case "string":
        return JSON.stringify(node.value);
      default:
        return node.text;
    }
  };
  return write(value, "");
}
