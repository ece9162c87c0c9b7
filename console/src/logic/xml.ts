/** Lays XML out over lines, or null where the text is none. Elements that hold text are left as they are. */
export function prettyXml(text: string): string | null {
  if (!/^\s*</.test(text)) return null;
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  if (parsed.querySelector("parsererror")) return null;
  const writer = new XMLSerializer();
  const lines: string[] = [];
  const declaration = /^\s*(<\?xml[^>]*\?>)/.exec(text);
  if (declaration?.[1]) lines.push(declaration[1]);
  const write = (node: Node, margin: string): void => {
    const isElement = node instanceof Element;
    const children = [...node.childNodes];
    const holdsText = children.some((child) => child.nodeType === Node.TEXT_NODE && child.nodeValue?.trim() !== "");
    if (!isElement || holdsText || children.length === 0) {
      const one = writer.serializeToString(node).trim();
      if (one !== "") lines.push(margin + one);
      return;
    }
    const shell = writer.serializeToString(node.cloneNode(false));
    lines.push(margin + shell.replace(/\s*\/>$/, ">").replace(/><\/[^>]*>$/, ">"));
    for (const child of children) write(child, `${margin}  `);
    lines.push(`${margin}</${node.tagName}>`);
  };
  for (const child of parsed.childNodes) write(child, "");
  return lines.join("\n");
}
