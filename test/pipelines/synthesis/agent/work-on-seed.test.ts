import { describe, expect, it } from 'vitest';
import type { SeedOrder } from '../../../../pipelines/synthesis/agent/order.ts';
import { examplePairs } from '../../../../pipelines/synthesis/agent/prompts.ts';
import type { Question } from '../../../../pipelines/synthesis/agent/question.ts';
import { workOnSeed } from '../../../../pipelines/synthesis/agent/work-on-seed.ts';
import { systemClock } from '../../../../src/clock.ts';
import { tool } from '../../../../src/tools/tool.ts';
import { textInput } from '../../../../src/tools/internal/text-input.ts';

const order: SeedOrder = {
  ...{ sourceId: 's', topic: 'mills', mode: 'web', tools: [], modules: [], servers: [], randomSeed: 1 },
  web: { topK: 1, corpus: undefined, search: undefined, allow: undefined },
  ...{ maxDepth: 2, branchingFactor: 1, depthThreshold: 1, maxSteps: 4, maxTrajectories: 1, temperature: 0, maxAnswerTokens: 50 },
  ...{ promptChars: 500, observationChars: 500, toolTimeoutMs: 1_000, closedBookCheck: true },
};

/** Says for a query of "nothing" that there is none. */
const look = tool({
  name: 'look',
  description: 'looks',
  ...textInput({ query: { description: 'words', maxLength: 50 } }),
  run: ({ query }) => {
    if (query.startsWith('broken')) throw new Error('it is out of order');
    return Promise.resolve(
      query === 'nothing' ? { text: '[none]', foundNothing: true } : { text: `${query} turns in 1786${' and 1787'.repeat(query.length)}` },
    );
  },
});

type Says = Readonly<Record<Question['step'], (text: string) => unknown>>;

function work(queries: readonly string[], says: Partial<Says>) {
  const left = [...queries];
  const asked: string[] = [];
  const answers: Says = {
    explore: () => ({ tool: 'look', input: { query: left.shift() } }),
    write: () => ({ question: 'In which year does the wheel turn?', answer: '1786', evidence: [1] }),
    answer: (text) => ({ known: text.includes('Evidence'), answer: text.includes('Evidence') ? '1786' : '' }),
    compare: () => ({ same: false }),
    ...says,
  };
  const ask = ({ step, turns }: Question) => {
    const text = turns.map(({ content }) => content).join('\n');
    asked.push(`${step}: ${text}`);
    return Promise.resolve({ value: answers[step](text), model: 'm', inputTokens: 1, outputTokens: 1 });
  };
  const found = workOnSeed(order, { tools: [look], ask, clock: systemClock, signal: new AbortController().signal });
  return { found, asked };
}

describe('the work on a seed', () => {
  it('takes what found nothing for no evidence, whatever is written about it', async () => {
    await expect(work(['nothing', 'nothing'], {}).found).rejects.toMatchObject({ code: 'no_result' });
    await expect(work(['broken', 'broken too'], {}).found).rejects.toThrow(/in 2 steps .*; the last failure: .*out of order/);
    const { found } = work(['nothing', 'wheel'], {});
    expect((await found).trajectories[0]?.pair?.evidence).toMatchObject([
      { step: 1, text: expect.stringContaining('wheel turns in 1786') as string },
    ]);
  });

  it('shows who checks what was asked of the tool, and no more of the result than the writer saw', async () => {
    const { found, asked } = work(['wheel', 'x'.repeat(49)], {
      write: () => ({ question: 'In which year does it turn?', answer: '1786', evidence: [1, 2] }),
    });
    await found;
    const check = asked.find((one) => one.startsWith('answer') && one.includes('Evidence 1:')) ?? '';
    expect(check).toContain('look {"query":"wheel"}\nwheel turns in 1786');
    expect(check).toContain('[cut here]');
    expect(check.length).toBeLessThan(order.promptChars + 1_000);
  });

  it.each(Object.values(examplePairs))('keeps no pair that says the example again: %j', async ({ question, answer }) => {
    const again = { question: question.toUpperCase(), answer, evidence: [1] };
    const { found } = work(['wheel', 'wheel'], { write: () => again, answer: () => ({ known: true, answer }) });
    expect((await found).trajectories[0]?.checks).toMatchObject({ schema: { result: 'pass' }, answerable: { result: 'fail' } });
  });
});
