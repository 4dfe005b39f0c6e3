import { describe, expect, it } from 'vitest';
import { definePipeline, type PipelineSpec, topic } from '../src/pipeline.ts';
import { resolveRetryTopics } from '../src/retry-options.ts';

type Spec = Partial<PipelineSpec<ReturnType<typeof topic>, undefined, Readonly<Record<string, never>>>>;
const define = (spec: Spec) => definePipeline({ name: 'p', input: topic('in'), deadLetter: topic('dead'), process: (s) => s, ...spec });

describe('the option retryTopics', () => {
  it('names a topic for each delay', () => {
    expect(define({ ordering: 'none', retryTopics: { delaysMs: [60_000, 600_000] } }).retryTopics).toEqual([
      { name: 'p.retry.1', delayMs: 60_000 },
      { name: 'p.retry.2', delayMs: 600_000 },
    ]);
    expect(resolveRetryTopics({ delaysMs: [1], prefix: 'q' }, 'g', 'none')).toEqual([{ name: 'q.1', delayMs: 1 }]);
    expect(define({}).retryTopics).toEqual([]);
  });

  it.each(['key', 'partition'] as const)('needs to hear that order %s may be lost', (ordering) => {
    expect(() => define({ ordering, retryTopics: { delaysMs: [1] } })).toThrow(/ordering: 'none', or retryTopics\.orderLoss: 'accept'/);
    expect(define({ ordering, retryTopics: { delaysMs: [1], orderLoss: 'accept' } }).retryTopics).toHaveLength(1);
  });

  it.each<[Spec, string]>([
    [{ retryTopics: { delaysMs: [] } }, 'retryTopics.delaysMs must be 1 to 16 waits in ms'],
    [{ retryTopics: { delaysMs: Array<number>(17).fill(1) } }, 'retryTopics.delaysMs must be 1 to 16 waits in ms'],
    [{ retryTopics: { delaysMs: [0] } }, 'retryTopics.delaysMs[0] must be an integer from 1 to 259200000, got 0'],
    [{ retryTopics: { delaysMs: [1, 1e12] } }, 'retryTopics.delaysMs[1] must be an integer from 1 to 259200000, got 1000000000000'],
    [{ groupId: 'with space', retryTopics: { delaysMs: [1] } }, 'retryTopics.prefix must be 1 to 240 letters'],
    [{ retryTopics: { delaysMs: [1], orderLoss: 'yes' as 'accept' } }, "retryTopics.orderLoss must be 'accept' or left out"],
    [{ retryTopics: { delaysMs: [1], prefix: 'dead' }, deadLetter: topic('dead.1') }, 'uses topic dead.1 for records to try again'],
    [{ retryTopics: { delaysMs: [1], prefix: 'in' }, input: topic('in.1') }, 'uses topic in.1 for records to try again'],
  ])('%j is refused', (spec, message) => {
    expect(() => define({ ordering: 'none', ...spec })).toThrow(message);
  });
});
