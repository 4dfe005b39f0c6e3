const quote = 0x22;
const backslash = 0x5c;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;

/**
 * The members of a JSON object as they are written, character by character: parsing a number, a repeated name or white space
 * and writing it again would change it. Of a repeated name the last counts, as for JSON.parse.
 * @param text a valid JSON object: whoever calls has parsed it
 */
export function jsonMembers(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = text.indexOf('{') + 1;
  for (;;) {
    at = behindSpace(text, at);
    if (text.charCodeAt(at) !== quote) return members;
    const nameEnd = behindString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const start = behindSpace(text, text.indexOf(':', nameEnd) + 1);
    const end = behindValue(text, start);
    members.set(name, text.slice(start, end));
    at = behindSpace(text, end) + 1; // a comma, or the end
  }
}

/**
 * The elements of a JSON array as they are written.
 * @param text a valid JSON array: whoever calls has parsed it
 */
export function jsonElements(text: string): readonly string[] {
  const elements: string[] = [];
  let at = behindSpace(text, text.indexOf('[') + 1);
  while (at < text.length && text.charAt(at) !== ']') {
    const end = behindValue(text, at);
    elements.push(text.slice(at, end));
    at = behindSpace(text, end);
    if (text.charAt(at) === ',') at = behindSpace(text, at + 1);
  }
  return elements;
}

function behindSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function behindString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === backslash) at += 1;
  }
  return text.length;
}

function behindValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const char = text.charAt(at);
    if (char === '"') at = behindString(text, at);
    else if (depth === 0 && (char === ',' || char === '}' || char === ']' || isSpace(text.charCodeAt(at)))) return at;
    else {
      if (char === '{' || char === '[') depth += 1;
      if (char === '}' || char === ']') depth -= 1;
      at += 1;
    }
  }
  return text.length;
}
