import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chooseSentences, parseGroundTruth, parseSample, type RatedSentence } from '../../../pipelines/reviews/data.ts';

const sentence = (id: string): RatedSentence => ({ id, review: id.split('_')[0] ?? '', text: `sentence ${id}`, rating: 1 });

describe('the reviews', () => {
  it('are read line by line, with the review as key', () => {
    expect(parseGroundTruth('1_1\t-0.9\tno picture.\r\n12_30\t2.05\t a bargain & a half. ')).toEqual([
      { id: '1_1', review: '1', rating: -0.9, text: 'no picture.' },
      { id: '12_30', review: '12', rating: 2.05, text: 'a bargain & a half.' },
    ]);
  });

  it.each(['\n', '\r\n', ''])('end with a line, ended by %j or not', (end) => {
    expect(parseGroundTruth(`1_1\t0\ta${end}`)).toHaveLength(1);
  });

  it.each([
    ['a missing column', '1_1\t0.5'],
    ['one column too many', '1_1\t0.5\ttext\tmore'],
    ['a rating that is none', '1_1\tgood\ttext'],
    ['an empty rating, which is no 0', '1_1\t\ttext'],
    ['a rating out of range', '1_1\t4.5\ttext'],
    ['an id that names no review', '17\t0.5\ttext'],
    ['an empty text', '1_1\t0.5\t '],
    ['an empty line between', ''],
    ['an id that was there', '0_1\t1\tagain'],
  ])('are refused with the number of the line for %s', (_, line) => {
    expect(() => parseGroundTruth(`0_1\t1\tfine\n${line}\n0_3\t1\tfine`)).toThrow(/line 2/);
  });

  it('have a stand-in of our own, with both moods', () => {
    const sample = parseSample(readFileSync(new URL('../../../pipelines/reviews/sample.jsonl', import.meta.url), 'utf8'));
    expect(sample.length).toBeGreaterThanOrEqual(30);
    expect(sample.filter(({ rating }) => rating > 1).length).toBeGreaterThan(8);
    expect(sample.filter(({ rating }) => rating < -1).length).toBeGreaterThan(8);
  });

  it.each(['{"id":"a_1","rating":"2","text":"x"}', '{"id":"a_1","rating":2}', '{"id":7,"rating":2,"text":"x"}'])(
    'refuse the sample %s',
    (line) => {
      expect(() => parseSample(line)).toThrow(/line 1/);
    },
  );
});

describe('chooseSentences', () => {
  const all = Array.from({ length: 400 }, (_, i) => sentence(`${String(Math.floor(i / 10))}_${String((i % 10) + 1)}`));
  const ids = (count: number): string[] => chooseSentences(all, count).map(({ id }) => id);

  it('takes each at most once, and all there are', () => {
    expect(new Set(ids(400)).size).toBe(400);
    expect(ids(1000)).toHaveLength(400);
    expect(ids(50)).toHaveLength(50);
  });

  it('takes the same again, and for more the same and more', () => {
    expect(ids(50)).toEqual(ids(50));
    expect(ids(200)).toEqual(expect.arrayContaining(ids(50)));
  });

  it('keeps the order within a review and spreads the reviews', () => {
    const chosen = chooseSentences(all, 200);
    for (const review of new Set(chosen.map((one) => one.review))) {
      const places = chosen.filter((one) => one.review === review).map((one) => all.indexOf(one));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
    expect(new Set(chosen.slice(0, 20).map((one) => one.review)).size).toBeGreaterThan(10);
  });
});
