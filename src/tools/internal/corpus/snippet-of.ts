import { wordsOf } from './words.ts';

/** What stands before the first word that was found, so that a reader sees where it is. */
const lead = 40;

/** The stretch of `text` of about `maxChars` with the most different words of `wanted`, in one line; of equal ones the first. In time that grows with the text; holds the places of the words found. */
export function snippetOf(text: string, wanted: ReadonlySet<string>, maxChars: number): string {
  const found = [...wordsOf(text)].filter(({ word }) => wanted.has(word));
  const within = new Map<string, number>();
  let best = { count: 0, from: 0 };
  let first = 0;
  for (const { word, at } of found) {
    within.set(word, (within.get(word) ?? 0) + 1);
    for (let oldest = found[first]; oldest !== undefined && at - oldest.at > maxChars - lead; oldest = found[first]) {
      const left = (within.get(oldest.word) ?? 0) - 1;
      if (left > 0) within.set(oldest.word, left);
      else within.delete(oldest.word);
      first += 1;
    }
    if (within.size > best.count) best = { count: within.size, from: found[first]?.at ?? 0 };
  }
  return cutOut(text, Math.max(0, best.from - lead), maxChars);
}

function cutOut(text: string, near: number, maxChars: number): string {
  const from = near === 0 ? 0 : wordStart(text, near);
  const to = from + maxChars >= text.length ? text.length : wordStart(text, from + maxChars, -1);
  const inOneLine = text.slice(from, to).toWellFormed().replaceAll(/\s+/g, ' ').trim();
  return `${from > 0 ? '… ' : ''}${inOneLine}${to < text.length ? ' …' : ''}`;
}

/** The next place behind white space, or the last one; `at` itself where there is none within a word's length. */
function wordStart(text: string, at: number, step = 1): number {
  for (let i = at; i > 0 && i < text.length && Math.abs(i - at) < lead; i += step) if (/\s/.test(text[i - 1] ?? '')) return i;
  return at;
}
