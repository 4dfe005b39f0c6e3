/** Stands where text was cut away, for the model to see. */
const mark = '[…]';
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** What goes: the beginning, or the end. */
export type CutSide = 'head' | 'tail';

/**
 * The texts with at most `most` UTF-16 units of them left, and a mark where something was cut away. The longest are cut, to the same length, so that a title stays
 * beside a long text; never within a character, however many code points that has.
 */
export function cutTexts(texts: readonly string[], most: number, side: CutSide): readonly string[] {
  const level = levelFor(
    texts.map(({ length }) => length),
    most,
  );
  return texts.map((text) => (text.length <= level ? text : cut(text, level, side)));
}

function cut(text: string, most: number, side: CutSide): string {
  const at = side === 'tail' ? most : text.length - most;
  const around = graphemes.segment(text).containing(at);
  const from = around?.index ?? at;
  if (side === 'tail') return `${text.slice(0, from).trimEnd()} ${mark}`;
  return `${mark} ${text.slice(from === at ? at : from + (around?.segment.length ?? 0)).trimStart()}`;
}

/** The length that all may have for `most` in all. */
function levelFor(lengths: readonly number[], most: number): number {
  let [left, sharers] = [Math.max(0, most), lengths.length];
  for (const length of lengths.toSorted((a, b) => a - b)) {
    if (length * sharers > left) return Math.floor(left / sharers);
    left -= length;
    sharers -= 1;
  }
  return Infinity;
}
