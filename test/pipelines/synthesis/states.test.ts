import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountOf, type RunTimes } from '../../../pipelines/synthesis/account.state.ts';
import { containsAnswer, sameAnswer } from '../../../pipelines/synthesis/agent/same-answer.ts';
import { DuplicateIndex } from '../../../pipelines/synthesis/duplicate-index.ts';
import { SpendLimit } from '../../../pipelines/synthesis/spend-limit.state.ts';
import { WaitingTimes } from '../../../pipelines/synthesis/waiting-times.state.ts';

describe('a token budget', () => {
  it('is never passed, whatever is on the way at once', () => {
    const calls = fc.array(
      fc.record({ most: fc.integer({ min: 1, max: 50 }), used: fc.integer({ min: 0, max: 50 }), later: fc.boolean() }),
    );
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 500 }), (all, limit) => {
        const spend = new SpendLimit(limit);
        const open: (() => void)[] = [];
        for (const { most, used, later } of all) {
          if (!spend.reserve(most)) break;
          const settle = (): void => spend.settle(most, Math.min(used, most));
          if (later) open.push(settle);
          else settle();
        }
        for (const settle of open) settle();
        expect(spend.spent).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

describe('near duplicates', () => {
  const question = 'Which river flows through Vienna, Bratislava, Budapest and Belgrade on its way to the sea?';
  it.each([
    ['the same', question, true],
    ['case and punctuation', 'WHICH river flows through Vienna, Bratislava, Budapest, and Belgrade — on its way to the sea', true],
    ['a word more', 'Which river flows through Vienna, Bratislava, Budapest and Belgrade on its long way to the sea?', true],
    ['another subject', 'Which river flows through Basel, Strasbourg, Cologne and Rotterdam on its way to the sea?', false],
    ['something else', 'Who wrote the score of the film about the river?', false],
  ])('%s', (_, other, isNear) => {
    const index = new DuplicateIndex(0.8);
    expect(index.keep('a', question, 'the Danube')).toBeUndefined();
    expect(index.keep('b', other, 'the Rhine')).toBe(isNear ? 'a' : undefined);
  });

  it('two problems that differ in a number are two', () => {
    const index = new DuplicateIndex(0.8);
    const problem = (n: number): string =>
      `A farmer has ${String(n)} apples and buys seven more at the market; how many apples has the farmer now?`;
    expect([index.keep('a', problem(12), '19'), index.keep('b', problem(13), '19'), index.keep('c', problem(12), '20')]).toEqual([
      undefined,
      undefined,
      'a',
    ]);
  });

  it.each([
    ['By whom was the Turk bought in 1805?', 'Mälzel', 'a'],
    ['By whom was the Turk bought in 1805?', 'Napoleon', undefined],
    ['By whom was the Turk bought in 1806?', 'Mälzel', undefined],
    ['Who, in 1805, purchased a chess player of wood?', 'Mälzel', undefined], // only who understands it knows
    ['In 1805, who was it that bought the Turk?', 'Mälzel', 'a'],
    ['Who patented the metronome in 1805?', 'Mälzel', undefined],
  ])('in other words: %s %s', (question, answer, near) => {
    const index = new DuplicateIndex(0.8);
    index.keep('a', 'Who bought the Turk in 1805?', 'Malzel.');
    expect(index.keep('b', question, answer)).toBe(near);
  });

  it.each([
    ['Who invented the telephone?', 'Who was the inventor of the telephone?', 'Bell', 'Bell', 'a'],
    ['Who had the Suez Canal dug?', 'By whom was the digging of the Suez Canal ordered?', 'Lesseps', 'Lesseps', 'a'],
    ['Who had the Suez Canal dug?', 'Who began a canal at sea level through Panama?', 'Lesseps', 'Lesseps', undefined],
    ['Which capital has France?', 'What is the capital of France called?', 'Paris', 'paris', 'a'],
    ['Is the Danube longer than the Rhine?', 'Is the Danube wider than the Rhine?', 'yes', 'yes', undefined],
    ['How many wins had he against Zukertort?', 'How many losses had he against Zukertort?', '10', 'ten', undefined],
    ['How many wins had he against Zukertort?', 'Against Zukertort, how many wins had he?', '10', 'ten', 'a'],
    [
      'A shop has 12 apples in its box and buys 5 more on each day: how many?',
      'A shop has 12 apples in its box and sells 5 more on each day: how many?',
      '17',
      '7',
      undefined,
    ],
    ['What is (12 + 5) * 2?', 'What is (12 * 5) + 2?', '34', '62', undefined],
    ['多瑙河流经哪些国家的首都？', '多瑙河流经哪些国家的首都', '四个', '四', 'a'],
    ['多瑙河流经哪些国家的首都？', '尼罗河流经哪些沙漠和城市？', '四个', '两', undefined],
  ])('%s and %s', (one, other, answer, again, near) => {
    const index = new DuplicateIndex(0.8);
    index.keep('a', one, answer);
    expect(index.keep('b', other, again)).toBe(near);
  });

  it('finds what comparing with all finds', () => {
    const word = fc.constantFrom('red', 'blue', 'green', 'tall', 'small', 'river', 'tree');
    const questions = fc.array(
      fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(' ')),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(questions, fc.constantFrom(0.3, 0.5, 0.8, 1), (all, similarity) => {
        const index = new DuplicateIndex(similarity);
        const kept: string[] = [];
        for (const [at, one] of all.entries()) {
          const isNear = kept.some((other) => jaccard(one, other) >= similarity);
          expect(index.keep(one, one, `answer ${String(at)}`) !== undefined).toBe(isNear);
          if (!isNear) kept.push(one);
        }
      }),
    );
  });
});

/** Words and pairs of neighbouring words, compared one with all. */
function jaccard(one: string, other: string): number {
  const features = (text: string): Set<string> => {
    const words = text.split(' ');
    return new Set([...words, ...words.slice(1).map((word, at) => `${words[at] ?? ''} ${word}`)]);
  };
  const [a, b] = [features(one), features(other)];
  const common = [...a].filter((feature) => b.has(feature)).length;
  return common / (a.size + b.size - common);
}

describe('answers', () => {
  it.each([
    ['42', '42.0', true],
    ['1,234.5', '1234.5', true],
    ['0.3333333333', '0.33333333', true],
    ['3', '4', false],
    ['The Danube', 'danube.', true],
    ['Curie', 'Marie Curie', undefined],
    ['29377.47', 'no', false],
    ['29377.47', 'about 29377', undefined],
    ['1000000', 'a million', undefined],
    ['', 'x', false],
    ['Zürich', 'zurich', true],
    ['ten', '10', true],
    ['eighty-eight', '88', true],
    ['nineteen ninety-one', '1991', true],
    ['three hundred and five', '305', true],
    ['two thousand and twelve km', '2,012 km', true],
    ['1.2 million', '1200000', true],
    ['1 234 567', '1234567', true],
    ['1’234', '1,234', true],
    ['−5', '-5', true],
    ['−5', '5', false],
    ['x = -3', 'x = 3', undefined],
    ['x = −3', 'x = 3', undefined],
    ['x = −3', 'x = -3', true],
    ['C++', 'C', undefined],
    ['$5', '€5', undefined],
    ['x > 3', 'x < 3', undefined],
    ['vitamin A', 'vitamin', undefined],
    ['A', 'a', true],
    ['12%', '12', true],
    ['12%', '0.12', undefined],
    ['3.14', '3.14159', undefined],
    ['3', '3.14159', false],
    ['1,234', '1.234', undefined],
    ['1939-1945', '1939–1945', true],
    ['one', 'One.', true],
    ['twenty and thirty', '50', undefined],
  ])('%s and %s: %s', (one, other, same) => {
    expect(sameAnswer(one, other)).toBe(same);
    expect(sameAnswer(other, one)).toBe(same);
  });

  it.each([
    ['Is the Danube longer than the Rhine?', 'the Danube', true],
    ['Which river is it?', 'Danube', false],
    ['What is 3 times 4, less 5?', '3', false],
    ['What is 1200 divided by 4?', '1,200', true],
    ['In which year, nineteen ninety-one, was it?', '1991', true],
    ['What mirrors for pilgrims did he make?', 'a mirror', true],
    ['Which Clark, William Tierney by name, designed it?', 'William Tierney Clark', true],
    ['Who was the wife of Pierre Curie?', 'Marie Curie', false],
    ['Which de Lesseps, Ferdinand by name, built canals?', 'Ferdinand de Lesseps', true],
    ['What does Danubian mean?', 'Danube', true],
    ['多瑙河是哪条河？', '多瑙河', true],
    ['哪条河流经维也纳？', '多瑙河', false],
  ])('%s says %s: %s', (question, answer, says) => {
    expect(containsAnswer(question, answer)).toBe(says);
  });
});

describe('the account of a run', () => {
  const times: RunTimes = {
    ...{
      elapsedMs: 10_000,
      workers: 4,
      cores: 2,
      seeds: 20,
      wallMs: 38_000,
      callMs: 30_000,
      waitMs: 1_000,
      toolMs: 2_000,
      cpuMs: 2_000,
      parentCpuMs: 500,
    },
    ...{ stretch: 1, overloads: 0, maxRssBytes: 1 },
  };
  it('says how much faster it was than one after the other', () => {
    expect(accountOf(times)).toMatchObject({ serialMs: 37_000, speedUp: 3.7, isNoFaster: false, advice: [] });
  });

  it.each([
    ['a model that all wait for', { stretch: 4, callMs: 36_000 }, true, /4\.0 times as long beside others/],
    ['limits of the other side', { overloads: 12, waitMs: 30_000, callMs: 5_000 }, true, /12 times that it was too much/],
    ['a budget', { waitMs: 30_000, callMs: 5_000 }, true, /raise the budgets/],
    ['processors', { cpuMs: 19_000 }, false, /the processors were busy/],
    ['too few seeds', { seeds: 3, wallMs: 9_000, callMs: 8_000 }, true, /3 seeds for 4 workers/],
    ['little memory', { fewer: 'memory: 1 of 4' }, false, /memory: 1 of 4/],
  ])('%s', (_, change, isNoFaster, advice) => {
    const account = accountOf({ ...times, ...change });
    expect([account.isNoFaster, account.advice.join('; ')]).toEqual([isNoFaster, expect.stringMatching(advice)]);
  });

  it('sees calls grow with those beside them', () => {
    const waiting = new WaitingTimes();
    waiting.begins(0)(100);
    const ends = [waiting.begins(0), waiting.begins(0), waiting.begins(0)];
    for (const end of ends) end(300);
    expect([waiting.calls, waiting.callMs, waiting.stretch]).toEqual([4, 1_000, expect.closeTo(1.25, 5)]);
  });
});
