/** Lines as hex viewers have them: offset, sixteen bytes, and what of them can be printed. */
export function hexLines(bytes: Uint8Array, from: number, lines: number): string[] {
  const result: string[] = [];
  for (let start = from; start < bytes.length && result.length < lines; start += 16) {
    const row = bytes.subarray(start, start + 16);
    const cells = [...row].map((byte) => byte.toString(16).padStart(2, "0"));
    const left = cells.slice(0, 8).join(" ").padEnd(23);
    const right = cells.slice(8).join(" ").padEnd(23);
    const shown = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    result.push(`${start.toString(16).padStart(8, "0")}  ${left}  ${right}  ${shown}`);
  }
  return result;
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}
