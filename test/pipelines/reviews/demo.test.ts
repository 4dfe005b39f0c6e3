import { describe, expect, it } from 'vitest';
import type { RatedSentence } from '../../../pipelines/reviews/data.ts';
import { type DemoOptions, type DemoResult, runDemo } from '../../../pipelines/reviews/demo.ts';
import { feed, malformed } from '../../../pipelines/reviews/feed.ts';
import { reviewsTopics } from '../../../pipelines/reviews/pipeline.ts';
import type { EnrichedReview } from '../../../pipelines/reviews/schema.ts';
import { currentScope, inScope } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import type { Output } from '../../../src/command.ts';
import type { Model } from '../../../src/inference/model.ts';
import { type ScriptedModel, scripted } from '../../../src/inference/scripted/scripted.ts';
import type { Resource } from '../../../src/resource.ts';
import { connect } from '../../../src/runtime/connect.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { memory, type MemoryTransport } from '../../../src/transport/memory/memory.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';

const partitions = 4;
const sentences: readonly RatedSentence[] = Array.from({ length: 60 }, (_, i) => {
  const isGood = i % 3 === 0;
  return {
    id: `${String(i % 20)}_${String(i)}`,
    review: String(i % 20),
    text: `sentence ${String(i)} is ${isGood ? 'good' : 'bad'}`,
    rating: isGood ? 2 : -0.5,
  };
});

const judge = (options: Parameters<typeof scripted>[1] = {}): ScriptedModel =>
  scripted('no chat', {
    latencyMs: { min: 100, max: 300 },
    labels: ({ text }, labels) => labels.map((label) => (text.includes('good') === label.includes('positive') ? -0.1 : -2)),
    ...options,
  });

interface Stage {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly lines: string[];
  readonly json: unknown[];
  readonly notes: string[];
  /** Runs the demo and lets time pass until it has ended. */
  run(options?: Partial<DemoOptions>): Promise<DemoResult>;
  values(topic: string): Record<string, unknown>[];
}

function stage(): Stage {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions });
  const lines: string[] = [];
  const json: unknown[] = [];
  const notes: string[] = [];
  const nothing = (): void => undefined;
  const out: Output = {
    isJson: false,
    isTty: false,
    width: 80,
    line: (text) => {
      lines.push(text);
    },
    json: (value) => {
      json.push(value);
    },
    note: (text) => {
      notes.push(text);
    },
    live: nothing,
    table: nothing,
    drained: () => Promise.resolve(),
  };
  const raw = (topic: string) => Array.from({ length: partitions }, (_, i) => transport.broker.records(topic, i)).flat();
  return {
    clock,
    transport,
    lines,
    json,
    notes,
    run: async (given) => {
      const defaults = {
        transport,
        model: judge(),
        asking: 'completion',
        concurrency: 4,
        prefix: '',
        sentences,
        budgetMs: undefined,
        clock,
        log: silentLog,
        out,
      } as const;
      // calls outside a pipeline, as the examples' embedding, take the clock of the scope they are made in
      const scope = { ...currentScope(), clock };
      const running = inScope(scope, () => runDemo({ ...defaults, signal: new AbortController().signal, ...given }));
      const end = { isOver: false };
      const over = (): void => {
        end.isOver = true;
      };
      running.then(over, over);
      for (let i = 0; i < 10_000 && !end.isOver; i += 1) await clock.advance(50);
      return running;
    },
    values: (topic) => raw(topic).map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()) as Record<string, unknown>),
  };
}

const ids = (values: readonly Record<string, unknown>[]): unknown[] => values.map(({ id }) => id).sort();
const everyId = sentences.map(({ id }) => id).sort();

describe('the demo', () => {
  it('brings every sentence through, and shows each result and the dead letter', async () => {
    const s = stage();
    const { summary, letters, ended } = await s.run();
    expect(ids(s.values('reviews.enriched'))).toEqual(everyId);
    expect(s.lines).toHaveLength(60);
    expect(ids(s.json as Record<string, unknown>[])).toEqual(everyId);
    expect(summary).toMatchObject({ records: 61, done: 60, failed: 1, dropped: 0, unfinished: 0, earlier: 0, repeated: 0 });
    expect(summary.agreement).toEqual({ beyond1: { share: 1, of: 20 }, all: { share: 1, of: 60 } });
    expect(letters).toEqual([
      {
        position: expect.stringMatching(/^reviews\/\d@\d+$/) as string,
        code: 'decode_failed',
        message: expect.stringContaining('expected JSON') as string,
      },
    ]);
    expect(ended).toBe('complete');
  });

  it('writes what the output promises', async () => {
    const s = stage();
    await s.run();
    const [first] = s.values('reviews.enriched') as unknown as EnrichedReview[];
    expect(first).toMatchObject({ model: 'scripted', confidence: expect.closeTo(0.87, 2) as number, aspect: expect.any(String) as string });
    expect(first?.tokens).toBeGreaterThan(5);
    expect(first?.latencyMs).toBeGreaterThanOrEqual(100);
    expect(first?.latencyMs).toBeLessThanOrEqual(301);
  });

  it('keeps the order of each review', async () => {
    const s = stage();
    await s.run();
    for (let review = 0; review < 20; review += 1) {
      const mine = s
        .values('reviews.enriched')
        .map(({ id }) => String(id).split('_'))
        .filter(([of]) => of === String(review))
        .map(([, n]) => Number(n));
      expect(mine).toEqual(mine.toSorted((a, b) => a - b));
    }
  });

  it('stops taking when its time is up, and finishes what it took', async () => {
    const s = stage();
    const startedMs = s.clock.nowMs();
    const { summary, ended } = await s.run({ budgetMs: 20_000, model: judge({ latencyMs: 2_000 }) });
    expect(ended).toBe('time');
    expect(s.clock.nowMs() - startedMs).toBeLessThan(40_000);
    expect(summary.done).toBeGreaterThan(15);
    expect(summary.unfinished).toBeGreaterThan(10);
    expect(summary.done + summary.failed + summary.unfinished).toBe(61);
    expect(s.values('reviews.enriched')).toHaveLength(summary.done);
  });

  it('has something to show when loading took all its time', async () => {
    const s = stage();
    const model = judge();
    const slow: Resource<Model> = {
      name: 'slow',
      open: async (context) => {
        await sleep(context.clock, 60_000);
        return model.open(context);
      },
    };
    const { summary, ended } = await s.run({ budgetMs: 20_000, model: slow });
    expect([ended, summary.done]).toEqual(['complete', 60]);
  });

  it('goes on where an interrupted run stopped, and does nothing twice', async () => {
    const s = stage();
    const controller = new AbortController();
    s.clock.schedule(1_500, () => {
      controller.abort();
    });
    const first = await s.run({ signal: controller.signal });
    expect(first.ended).toBe('interrupted');
    expect(first.summary.done).toBeGreaterThan(5);
    const model = judge();
    const second = await s.run({ model });
    expect(second.summary).toMatchObject({ records: 61, done: 60, failed: 1, unfinished: 0, earlier: first.summary.done, repeated: 0 });
    expect(ids(s.values('reviews.enriched'))).toEqual(everyId);
    expect(model.stats.calls).toBe(2 * (60 - first.summary.done) + 1);
    expect(s.transport.broker.records('reviews', 0).length).toBeGreaterThan(0);
    expect(s.notes.join()).toContain('61 of the 61 inputs');
  });

  it('makes no call when all was done by an earlier run', async () => {
    const s = stage();
    await s.run();
    const model = judge();
    const { summary } = await s.run({ model });
    expect(summary).toMatchObject({ done: 60, earlier: 60, failed: 1, repeated: 0 });
    expect(model.stats.calls).toBe(1); // the examples
  });

  it('writes only what is missing after a run that was killed while it produced', async () => {
    const s = stage();
    const client = connect(s.transport, { clock: s.clock });
    const { input } = reviewsTopics();
    await s.transport.createTopics([{ name: input.name }]);
    await feed({
      client,
      transport: s.transport,
      input,
      sentences: sentences.slice(0, 25),
      clock: s.clock,
      signal: new AbortController().signal,
    });
    await s.run();
    const inputs = Array.from({ length: partitions }, (_, i) => s.transport.broker.records('reviews', i)).flat();
    expect(inputs).toHaveLength(61);
    expect(ids(s.values('reviews.enriched'))).toEqual(everyId);
  });

  it('tells a result that is done again, and counts it once', async () => {
    const s = stage();
    const client = connect(s.transport, { clock: s.clock });
    const { output } = reviewsTopics();
    await s.transport.createTopics([{ name: output.name }]);
    const [one] = sentences;
    const key = one?.review ?? '';
    const value = {
      id: one?.id ?? '',
      text: 'x',
      sentiment: 'positive',
      confidence: 1,
      aspect: 'other',
      model: 'm',
      tokens: 1,
      latencyMs: 1,
    } as const;
    await client.produce(output, [{ key, value }]); // written, and then the process died before it committed
    const { summary } = await s.run();
    expect(summary).toMatchObject({ done: 60, earlier: 1, repeated: 1, unfinished: 0 });
  });

  it('ends when the group has settled what it read, also where all results were there before', async () => {
    const s = stage();
    const client = connect(s.transport, { clock: s.clock });
    const { output, dead } = reviewsTopics();
    await s.transport.createTopics([{ name: output.name }, { name: dead.name }]);
    const rest = { sentiment: 'positive', confidence: 1, aspect: 'other', model: 'm', tokens: 1, latencyMs: 1 } as const;
    await client.produce(
      output,
      sentences.map(({ id, review, text }) => ({ key: review, value: { id, text, ...rest } })),
    );
    await client.produce(dead, [malformed]);
    const { summary } = await s.run();
    expect(summary).toMatchObject({ done: 60, earlier: 60, failed: 1, repeated: 61 });
  });

  it('puts a sentence that fails among the dead letters and goes on', async () => {
    const s = stage();
    const labels: NonNullable<Parameters<typeof judge>[0]>['labels'] = ({ text }, given) => {
      if (text.includes('sentence 7 ')) throw new Error('no luck');
      return given.map(() => -1);
    };
    const { summary, letters } = await s.run({ model: judge({ labels }) });
    expect(summary).toMatchObject({ done: 59, failed: 2, unfinished: 0 });
    expect(letters.map(({ message }) => message)).toContain('no luck');
  });

  it('ends with the error of a pipeline that cannot go on', async () => {
    const s = stage();
    const model = { name: 'broken', open: () => Promise.reject(new Error('no such model')) };
    await expect(s.run({ model })).rejects.toThrow(/no such model/);
  });
});
