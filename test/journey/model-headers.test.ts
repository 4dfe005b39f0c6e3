import { concat, concatMap, defer, map, NEVER, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { batchWithin, mapConcurrent, unbatch } from '../../operators/index.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import { definePrompt } from '../../src/inference/define-prompt.ts';
import { virtualClock } from '../../src/testing.ts';
import { InferenceError, OverloadError } from '../../src/errors.ts';
import { headerText, type RecordHeaders } from '../../src/record/record.ts';
import { modelHeaderNames } from '../../src/record/spending.ts';
import { route } from '../../src/inference/route/route.ts';
import { fakeBackend, type Said } from '../inference/fake-backend.ts';
import { openContext } from '../inference/route/opened.ts';
import { mill, type Mill } from '../helpers/mill.ts';

const prompt = definePrompt<string>({ name: 'mood', version: '3', user: ['Which mood?', (text) => text] });
const identity = `mood@3#${prompt('').hash}`;
const prices = { inputPerMillion: 1, outputPerMillion: 10 }; // 10 + 3 tokens a call: 0.00004
const modelOf = (says: readonly Said[] = ['ok'], more = {}) => completeModel(fakeBackend(says, {}, { prices, ...more }));
const process = (model = modelOf(), calls = 1): Parameters<Mill['start']>[0] => {
  const chat = (value: string) => model.chat(prompt(value)).pipe(toArray());
  return (source) =>
    source.pipe(
      mapConcurrent(
        (value) =>
          Array.from({ length: calls - 1 })
            .reduce<ReturnType<typeof chat>>((call) => call.pipe(concatMap(() => chat('again'))), chat(String(value)))
            .pipe(map(() => value)),
        { concurrency: 4 },
      ),
    );
};

/** The four headers; several of one name as a list. */
const told = (headers: RecordHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(modelHeaderNames).flatMap(([field, name]) => {
      const values = headers.filter(([one]) => one === name).map(([, value]) => Buffer.from(value ?? []).toString());
      return values.length === 0 ? [] : [[field, values.join(' + ')]];
    }),
  );

async function written(start: Parameters<Mill['start']>[0], spec: Parameters<Mill['start']>[1] = {}, records: readonly object[] = [{}]) {
  const m = await mill();
  await m.start(start, spec, { createTopics: true });
  await m.feed(records.map((one, at) => ({ value: `r${String(at)}`, partition: 0, ...one })));
  await m.clock.advance(5_000);
  const of = (topic: string) => m.transport.broker.records(topic, 0).map(({ headers }) => headers);
  return { outputs: of('out').map(told), letters: of('dead').map(told), headers: of('out'), letterHeaders: of('dead') };
}

const once = { model: 'fake-1', prompt: identity, usage: 'input=10, cached=0, output=3', cost: '0.00004' };

/** One record's way from its model to the headers of what is written for it. */
describe('outputs say which models answered for them', () => {
  it('with the prompt, the usage and the cost', async () => {
    expect((await written(process())).outputs).toEqual([once]);
  });

  it.each(['at-least-once', 'exactly-once'] as const)('the sum of several calls, with delivery %s', async (delivery) => {
    const { outputs } = await written(process(modelOf(), 3), { delivery });
    expect(outputs).toEqual([{ ...once, usage: 'input=30, cached=0, output=9', cost: '0.00012' }]);
  });

  it('two models one after the other, an attempt that was cut off included', async () => {
    const [small, large] = [modelOf(['cut', 'ok'].map((text, at) => (at === 0 ? { text } : text))), modelOf(['ok'], { name: 'large' })];
    const { outputs } = await written((source) =>
      source.pipe(
        mapConcurrent(
          (value) =>
            small.chat(String(value)).pipe(
              toArray(),
              map(() => value),
            ),
          { concurrency: 1 },
        ),
        mapConcurrent(
          (value) =>
            large.chat(prompt(String(value))).pipe(
              toArray(),
              map(() => value),
            ),
          { concurrency: 1 },
        ),
      ),
    );
    // of the attempt that ended without its usage: 3 pieces, and 5 tokens of prompt by estimate
    expect(outputs).toMatchObject([{ model: 'fake + fake-1', prompt: identity, usage: 'input=25, cached=0, output=9' }]);
  });

  it('a batch divides what its call has used among its members, to the token', async () => {
    const model = modelOf();
    const { outputs } = await written(
      (source) =>
        source.pipe(
          batchWithin({ maxSize: 3, maxWaitMs: 100 }),
          mapConcurrent(
            (values) =>
              model.chat(prompt(values.join())).pipe(
                toArray(),
                map(() => values),
              ),
            { concurrency: 1 },
          ),
          unbatch(),
        ),
      { ordering: 'none' },
      [{}, {}, {}],
    );
    expect(outputs.map(({ usage }) => usage)).toEqual([
      'input=3, cached=0, output=1',
      'input=3, cached=0, output=1',
      'input=4, cached=0, output=1',
    ]);
    expect(outputs.reduce((sum, { cost }) => sum + Number(cost), 0)).toBeCloseTo(0.00004, 12);
  });

  it('dead letters, too, behind the story of the failure', async () => {
    const model = modelOf([{ text: '', finish: 'refused' }]);
    const { letters, letterHeaders } = await written((source) =>
      source.pipe(
        mapConcurrent((value) => model.classify(prompt(String(value)), { labels: ['a', 'b'] }).pipe(map(() => value)), { concurrency: 1 }),
      ),
    );
    expect(letters).toEqual([once]);
    expect(Number(headerText(letterHeaders[0] ?? [], 'millrace.headers.added'))).toBe(letterHeaders[0]?.length);
  });

  it('what a pipeline before said of itself makes place', async () => {
    const before: RecordHeaders = [
      ['millrace-model', Buffer.from('old')],
      ['h', Buffer.from('1')],
      ['millrace-cost', Buffer.from('7')],
    ];
    const { outputs, headers } = await written(process(), {}, [{ headers: before }]);
    expect([outputs, headerText(headers[0] ?? [], 'h')]).toEqual([[once], '1']);
    const passing = await written((source) => source, {}, [{ headers: before }]);
    expect(passing.outputs).toEqual([{ model: 'old', cost: '7' }]);
  });

  it('nothing is said without a model, and nothing where it is not wanted', async () => {
    expect((await written((source) => source)).headers).toEqual([[]]);
    expect((await written(process(), { modelHeaders: false })).headers).toEqual([[]]);
    await expect(written(process(), { modelHeaders: 'no' as never })).rejects.toThrow('modelHeaders');
  });
});

/** Two pieces of an answer, and then nothing more. */
const stuck = () =>
  modelOf([], { chat: () => concat(of({ text: 'a', index: 0 }, { text: 'b', index: 1 }), NEVER) })
    .chat(prompt('x'))
    .pipe(toArray());
const partly = { usage: 'input=58, cached=0, output=2', model: 'fake', prompt: identity }; // the prompt by estimate, and what came

describe('what was paid for is told once, in the header of its record', () => {
  it('the tokens of a call that its deadline has cut off', async () => {
    const { letters } = await written((source) => source.pipe(mapConcurrent(stuck, { concurrency: 1 })) as never, { deadlineMs: 1_000 });
    expect(letters).toMatchObject([partly]);
  });

  it('those of a batch that was cut off, divided', async () => {
    const { letters } = await written(
      (source) => source.pipe(batchWithin({ maxSize: 2, maxWaitMs: 100 }), mapConcurrent(stuck, { concurrency: 1 }), unbatch()) as never,
      { deadlineMs: 1_000, ordering: 'none' },
      [{}, {}],
    );
    expect(letters.map(({ usage }) => usage)).toEqual(['input=29, cached=0, output=1', 'input=29, cached=0, output=1']);
  });

  it('those of every attempt', async () => {
    let attempts = 0;
    const model = modelOf(['ok']);
    const { outputs } = await written((source) =>
      source.pipe(
        mapConcurrent(
          (value) =>
            model.chat(prompt(String(value))).pipe(
              toArray(),
              concatMap(() => ((attempts += 1) < 3 ? throwError(() => new OverloadError('later')) : of(value))),
            ),
          { concurrency: 1 },
        ),
      ),
    );
    expect(outputs).toEqual([{ ...once, usage: 'input=30, cached=0, output=9', cost: '0.00012' }]);
  });

  it('those of runs before it waited in a retry topic', async () => {
    let runs = 0;
    const model = modelOf(['ok']);
    const { outputs, letters } = await written(
      (source) =>
        source.pipe(
          mapConcurrent(
            (value) =>
              model.chat(prompt(String(value))).pipe(
                toArray(),
                concatMap(() => ((runs += 1) < 2 ? throwError(() => new InferenceError('model_failed', 'no')) : of(value))),
              ),
            { concurrency: 1 },
          ),
        ),
      { ordering: 'none', retry: 'none', retryTopics: { delaysMs: [1_000] } },
    );
    expect([runs, letters]).toEqual([2, []]);
    expect(outputs).toEqual([{ ...once, usage: 'input=20, cached=0, output=6', cost: '0.00008' }]);
  });

  it('those of a run that ended with its stream', async () => {
    let streams = 0;
    const { outputs } = await written((source) =>
      process()(source).pipe(
        map((envelope) => {
          if ((streams += 1) === 1) throw new Error('the stream ends');
          return envelope;
        }),
      ),
    );
    expect(outputs).toEqual([{ ...once, usage: 'input=20, cached=0, output=6', cost: '0.00008' }]);
  });

  it.each([
    ['had said nothing', [], 'input=68, cached=0, output=3'],
    ['had begun', [{ text: '{', index: 0 }], 'input=68, cached=0, output=4'],
  ])('those of a model of a pool that %s when another was quicker', async (_, pieces, usage) => {
    const slow = modelOf([], { name: 'slow', chat: () => concat(of(...pieces), NEVER) });
    const quick = modelOf(['{"a":1}'], { name: 'quick' });
    const members = [slow, quick].map((value) => ({
      name: value.name,
      open: () => Promise.resolve({ value, close: () => Promise.resolve() }),
    }));
    const pool = route({ models: members.map((one) => [one]), hedge: { afterMs: 100 } });
    const { outputs } = await written((source) =>
      source.pipe(
        mapConcurrent(
          (value) =>
            pooled().pipe(
              concatMap((model) => model.answer(prompt(String(value)), { schema: z.object({ a: z.number() }) })),
              map(() => value),
            ),
          { concurrency: 1 },
        ),
      ),
    );
    function pooled() {
      return defer(() => pool.open(openContext(virtualClock()))).pipe(map(({ value }) => value));
    }
    expect(outputs).toMatchObject([{ usage }]);
    expect(outputs[0]?.['model']?.split(' + ').sort()).toEqual(['fake-1', 'slow']);
  });
});
