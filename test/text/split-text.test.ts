import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chunk, splitText, type SplitTextOptions } from '../../src/text/split-text.ts';

const words = (text: string): number => text.match(/\S+/g)?.length ?? 0;
const units = (text: string): number => text.length;
const bytes = (text: string): number => Buffer.byteLength(text);
/** As models count: pieces of up to four letters, two tokens around the whole, so that counts do not add up. */
const pieces = (text: string): number => (text.match(/\p{L}{1,4}|\p{M}|[^\p{L}\p{M}\s]| +(?!\p{L})/gu)?.length ?? 0) + 2;
const family = '👨‍👩‍👧‍👦';

/** What holds of every text. */
function check(text: string, chunks: readonly Chunk[], { maxTokens, overlapTokens = 0, countTokens }: SplitTextOptions): void {
  let covered = 0;
  let joined = '';
  chunks.forEach((chunk, index) => {
    expect(chunk.index).toBe(index);
    expect(chunk.text).toBe(text.slice(chunk.start, chunk.end));
    expect(chunk.tokens).toBe(countTokens(chunk.text));
    expect(chunk.tokens).toBeLessThanOrEqual(maxTokens);
    expect(chunk.hash).toBe(createHash('sha256').update(chunk.text).digest('hex'));
    expect(chunk.start).toBeLessThanOrEqual(covered);
    expect(chunk.end).toBeGreaterThan(covered);
    const shared = text.slice(chunk.start, covered);
    if (shared !== '') expect(countTokens(shared)).toBeLessThanOrEqual(overlapTokens);
    joined += text.slice(covered, chunk.end);
    covered = chunk.end;
  });
  expect(joined).toBe(text);
}

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }), // half surrogates of pairs included
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc
    .array(
      fc.constantFrom(
        'One sentence. ',
        'word ',
        'x'.repeat(90),
        family,
        'e\u0301\u0302\u0303',
        '\ud83d',
        '\n\n',
        '    ',
        '今天天气很好我们去公园。',
        'ภาษาไทย',
        'שלום. ',
        '\u200f',
        'مرحبا بالعالم. ',
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join('')),
);

describe('splitText', () => {
  it.each([
    { counts: 'words', countTokens: words },
    { counts: 'UTF-16 units', countTokens: units },
    { counts: 'bytes', countTokens: bytes },
    { counts: 'pieces', countTokens: pieces },
  ])('makes chunks within maxTokens that are the text, by $counts', async ({ countTokens }) => {
    await fc.assert(
      fc.asyncProperty(
        hostile,
        fc.integer({ min: 4, max: 60 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        async (text, maxTokens, share) => {
          const options = { maxTokens, overlapTokens: Math.floor(maxTokens * share), countTokens };
          const chunks = await splitText(text, options);
          check(text, chunks, options);
          expect(await splitText(text, options)).toEqual(chunks);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('cuts between sentences, then words, then letters with their accents', async () => {
    const split = async (text: string, maxTokens: number): Promise<readonly string[]> =>
      (await splitText(text, { maxTokens, countTokens: units })).map((chunk) => chunk.text);
    expect(await split('It rains. We stay in. They go out, we do not.', 22)).toEqual([
      'It rains. We stay in. ',
      'They go out, we do ',
      'not.',
    ]);
    expect(await split('aaaaaaaaaa bb', 4)).toEqual(['aaaa', 'aaaa', 'aa ', 'bb']);
    expect(await split(`${family}${family}`, family.length + 1)).toEqual([family, family]);
    expect(await split('e\u0301e\u0301', 3)).toEqual(['e\u0301', 'e\u0301']);
    expect(await split(family, 4)).toEqual(['👨\u200d', '👩\u200d', '👧\u200d', '👦']);
  });

  it('shares whole sentences where one fits, else words', async () => {
    const text = 'One two three. Four five. Six seven eight nine. Ten.';
    const of = async (overlapTokens: number): Promise<readonly string[]> =>
      (await splitText(text, { maxTokens: 6, overlapTokens, countTokens: words })).map((chunk) => chunk.text);
    expect(await of(0)).toEqual(['One two three. Four five. ', 'Six seven eight nine. Ten.']);
    expect(await of(2)).toEqual(['One two three. Four five. ', 'Four five. Six seven eight nine. ', 'eight nine. Ten.']);
    expect(await of(1)).toEqual(['One two three. Four five. ', 'five. Six seven eight nine. Ten.']);
  });

  it.each([
    { what: 'a word of 1 MB', text: 'a'.repeat(1_000_000), countTokens: units },
    { what: 'a letter with 100,000 accents', text: `e${'\u0301'.repeat(100_000)}`, countTokens: units },
    { what: 'families', text: family.repeat(5_000), countTokens: bytes },
    { what: 'Chinese', text: '今天天气很好我们去公园玩吧'.repeat(5_000), countTokens: units },
    { what: 'Thai', text: 'ภาษาไทยเป็นภาษาที่มีระดับเสียง'.repeat(2_000), countTokens: units },
    { what: 'halves of pairs', text: '\ud83d'.repeat(50_000), countTokens: units },
    { what: 'spaces', text: ' '.repeat(1_000_000), countTokens: words },
  ])('cuts $what with few counts', async ({ text, countTokens }) => {
    let asked = 0;
    let read = 0;
    const counting = (part: string): number => {
      asked += 1;
      read += part.length;
      return countTokens(part);
    };
    const options = { maxTokens: 1_000, overlapTokens: 50, countTokens: counting };
    const chunks = await splitText(text, options);
    expect(asked).toBeLessThanOrEqual(12 * chunks.length + 40);
    expect(read).toBeLessThan(6 * text.length + 100_000);
    check(text, chunks, options);
  });

  it('counts about three times a chunk where tokens are spread evenly', async () => {
    const text = 'The mill stands by the river. It grinds what farmers bring, and nothing is lost. '.repeat(5_000);
    let asked = 0;
    const chunks = await splitText(text, {
      maxTokens: 512,
      countTokens: (part) => {
        asked += 1;
        return Promise.resolve(words(part));
      },
    });
    expect(asked).toBeLessThanOrEqual(4 * chunks.length);
    expect(chunks.slice(0, -1).every(({ tokens }) => tokens >= 0.9 * 512)).toBe(true);
  });

  it('makes nothing of nothing', async () => {
    expect(await splitText('', { maxTokens: 1, countTokens: words })).toEqual([]);
  });

  it.each([
    [{ maxTokens: 0, countTokens: words }, 'splitText.maxTokens must be an integer >= 1, got 0'],
    [{ maxTokens: 10, overlapTokens: 6, countTokens: words }, 'splitText.overlapTokens must be an integer from 0 to 5, got 6'],
    [{ maxTokens: 10, countTokens: () => Number.NaN }, 'splitText.countTokens must give a number >= 0, got NaN'],
  ])('refuses %j', async (options, message) => {
    await expect(splitText('some text', options)).rejects.toMatchObject({ code: 'invalid_option', message });
  });

  it('says which character has too many tokens', async () => {
    await expect(splitText('ab👦', { maxTokens: 3, countTokens: bytes })).rejects.toMatchObject({
      code: 'prompt_too_long',
      message: 'expected a text of which each character has at most 3 tokens, got one with more at 2 (U+1F466); raise maxTokens',
    });
  });
});

it('ends where half of a pair stands before a pair, and little fits', async () => {
  const text = `\u200f\ud83d${family}One sentence.`;
  let counts = 0;
  const counting = (part: string): number => {
    counts += 1;
    if (counts > 1_000) throw new Error('it does not end');
    return bytes(part);
  };
  const chunks = await splitText(text, { maxTokens: 4, countTokens: counting });
  expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
});
