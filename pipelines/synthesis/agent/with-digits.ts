const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const values = new Map<string, number>([
  ...small.map((word, at) => [word, at] as const),
  ...tens.map((word, at) => [word, (at + 2) * 10] as const),
]);
const scales = new Map([
  ['thousand', 1e3],
  ['million', 1e6],
  ['billion', 1e9],
]);

/** Words with English numbers among them in digits: `eighty eight` as `88`, `nineteen ninety one` as `1991`, `1.2 million` as `1200000`. `one` by itself stays, which is seldom a number. */
export function withDigits(words: readonly string[]): readonly string[] {
  const out: string[] = [];
  for (let at = 0; at < words.length; ) {
    const { value, next } = numberAt(words, at);
    const isWord = next === at || (next === at + 1 && words[at] === 'one');
    out.push(isWord ? (words[at] ?? '') : String(value));
    at = isWord ? at + 1 : next;
  }
  return out;
}

/** The number that begins at a place, and where it ends: `next` is `start` where there is none. */
function numberAt(words: readonly string[], start: number): { readonly value: number; readonly next: number } {
  let [total, current, next] = [0, 0, start];
  const first = words[start] ?? '';
  if (/^\d/.test(first) && scales.has(words[start + 1] ?? '')) [current, next] = [Number(first), start + 1];
  for (; next < words.length; next += 1) {
    const word = words[next] ?? '';
    const isBegun = next > start;
    const [value, scale] = [values.get(word), scales.get(word)];
    if (value !== undefined && fits(value, current, isBegun)) current = isYear(value, current) ? current * 100 + value : current + value;
    else if (word === 'hundred' && current >= 1 && current < 100) current *= 100;
    else if (scale !== undefined && current > 0) [total, current] = [total + current * scale, 0];
    else if (!(word === 'and' && isBegun && current % 100 === 0 && values.has(words[next + 1] ?? ''))) break;
  }
  return { value: total + current, next };
}

/** Whether a further word goes on with the number: `three hundred` with `five`, `twenty` with `one`, `nineteen` with `ninety`. */
function fits(value: number, current: number, isBegun: boolean): boolean {
  if (!isBegun) return true;
  if (isYear(value, current)) return true;
  if (value < 10) return value > 0 && current % 10 === 0 && current % 100 !== 10;
  return current % 100 === 0;
}

const isYear = (value: number, current: number): boolean => value >= 10 && current >= 11 && current <= 20;
