/** A page ends at the kindest place in its last part: a paragraph, a line, a sentence, a word. */
const lastPart = 0.25;
const ends = [/\n\n/g, /\n/g, /[.!?。！？]["”’)]?\s/g, /\s/g];

export interface TextPage {
  /** Undefined: there is no such page. */
  readonly text: string | undefined;
  /** How many pages there are; 1 at least. */
  readonly count: number;
}

/** Page `number` (from 1 on) of a text in pages of at most `pageChars`, the same in every run. Pages join to the text. */
export function textPage(text: string, number: number, pageChars: number): TextPage {
  let wanted: string | undefined;
  let count = 0;
  for (let at = 0; at < text.length || count === 0; ) {
    const end = endOf(text, at, pageChars);
    count += 1;
    if (count === number) wanted = text.slice(at, end);
    at = end;
  }
  return { text: wanted, count };
}

function endOf(text: string, at: number, pageChars: number): number {
  const limit = at + pageChars;
  if (limit >= text.length) return text.length;
  const from = limit - Math.floor(pageChars * lastPart);
  const tail = text.slice(from, limit);
  for (const end of ends) {
    const last = [...tail.matchAll(end)].at(-1);
    if (last !== undefined) return from + last.index + last[0].length;
  }
  const isPair = /[\ud800-\udbff]/.test(text[limit - 1] ?? '') && limit - 1 > at;
  return isPair ? limit - 1 : limit;
}
