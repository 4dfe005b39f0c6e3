import { catchError, filter, firstValueFrom, map, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { callTimeout } from '../../operators/call-timeout.ts';
import { keepOnly } from '../../operators/keep-only.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { retryWithBackoff } from '../../operators/retry-with-backoff.ts';
import { call, type CallContext } from '../../src/call.ts';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import type { Model } from '../../src/inference/model.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { definePipeline, type PipelineSpec, type Topic, topic } from '../../src/pipeline.ts';
import type { Resource } from '../../src/resource.ts';
import { SimulationError } from '../../src/simulation/report.ts';
import { simulate, type SimulateOptions } from '../../src/simulation/simulate.ts';

interface Ticket {
  readonly id: number;
  readonly mood?: string;
}
const tickets = json() as Codec<Ticket>;
type Tickets = Topic<Ticket>;
type Resources = Readonly<Record<'model', Resource<Model>>>;

const pipelineOf = (process: PipelineSpec<Tickets, Tickets, Resources>['process']) =>
  definePipeline({
    name: 'judge',
    input: topic('tickets', tickets),
    output: topic('judged', tickets),
    deadLetter: topic('dead'),
    resources: { model: scripted('good') },
    process,
  });

const judge = (model: Model, ticket: Ticket, ctx?: CallContext) =>
  model.classify(`ticket ${String(ticket.id)}`, { labels: ['good', 'bad'] }, ctx).pipe(
    callTimeout({ ms: 5_000 }),
    retryWithBackoff({ attempts: 4 }),
    map(({ label }) => ({ ...ticket, mood: label })),
  );

const sound = pipelineOf((source, { model }) => source.pipe(mapConcurrent((ticket, ctx) => judge(model, ticket, ctx), { concurrency: 8 })));

const options: SimulateOptions<Ticket, Ticket, string | null> = {
  records: (random) => Array.from({ length: 30 }, (_, id) => ({ key: `k${String(random.int(1, 6))}`, value: { id } })),
  resources: (weather) => ({ model: scripted('good', weather.model) }),
};

describe('simulate', () => {
  it('has nothing to say against a sound pipeline, and says what was done to it', async () => {
    const report = await simulate(sound, { ...options, seeds: 25 });
    expect(report.message).toBe('25 seeds, no problem');
    report.verify();
    expect(Object.keys(report.faults).length).toBeGreaterThan(10);
  }, 60_000);

  it('holds exactly-once pipelines to their promise', async () => {
    const exact = { ...sound, delivery: 'exactly-once' } as const;
    const report = await simulate(exact, { ...options, seeds: 25 });
    expect(report.message).toBe('25 seeds, no problem');
    expect(report.history).toContainEqual({ kind: 'promised', delivery: 'exactly-once' });
    expect(report.history.some(({ kind }) => kind === 'ended')).toBe(true);
  }, 60_000);

  it('is the same run for the same seed', async () => {
    const run = async () => (await simulate(sound, { ...options, seed: 7 })).history;
    expect(await run()).toEqual(await run());
  });

  it.each([
    {
      bug: 'a record is taken for seen before it is done',
      kind: 'lost',
      make: () => {
        const seen = new Set<number>();
        const isNew = ({ id }: Ticket): boolean => !seen.has(id) && seen.add(id).has(id);
        return pipelineOf((source, { model }) =>
          source.pipe(
            keepOnly(isNew),
            mapConcurrent((ticket, ctx) => judge(model, ticket, ctx), { concurrency: 8 }),
          ),
        );
      },
    },
    {
      bug: 'a failed call is answered with a guess',
      kind: 'lost',
      make: () =>
        pipelineOf((source, { model }) =>
          source.pipe(
            mapConcurrent((ticket, ctx) => judge(model, ticket, ctx).pipe(catchError(() => of({ ...ticket, mood: 'unknown' }))), {
              concurrency: 8,
            }),
          ),
        ),
    },
    {
      bug: 'a timeout races a retry, whose answer is another',
      kind: 'wrong',
      make: () =>
        pipelineOf((source, { model }) =>
          source.pipe(
            mapConcurrent(
              (ticket, ctx) => {
                let tries = 0;
                return call(async () => {
                  tries += 1;
                  return tries > 1 ? { ...ticket, mood: 'retried' } : await firstValueFrom(judge(model, ticket, ctx));
                }).pipe(callTimeout({ ms: 100 }), retryWithBackoff());
              },
              { concurrency: 8 },
            ),
          ),
        ),
    },
    {
      bug: 'an operator of RxJS drops envelopes',
      kind: 'wrong',
      make: () => pipelineOf((source) => source.pipe(filter(({ value }) => value.id % 3 > 0))),
    },
    {
      bug: 'an output does not depend on its record alone',
      kind: 'wrong',
      make: () => {
        let count = 0;
        return pipelineOf((source) => source.pipe(mapValue((ticket) => ({ ...ticket, mood: String((count += 1)) }))));
      },
    },
  ])(
    'finds that $bug, and what it takes',
    async ({ make, kind }) => {
      const report = await simulate(make, options);
      expect(report.problems.map((problem) => problem.kind)).toContain(kind);
      expect(report.problems[0]?.record).toBeTypeOf('number');
      const seed = String(report.seeds.at(-1));
      expect(report.message).toMatch(/^seed \d+ breaks a promise:\n {2}\w/);
      expect(report.message).toMatch(/record \d+ is \{"key":"k\d","value":\{"id":\d+\}\}\nit takes /);
      expect(report.message).toContain(`replay it with MILLRACE_SEED=${seed}, or the option seed: ${seed}`);
      expect(report.verify).toThrow(SimulationError);
      const again = await simulate(make, { ...options, seed: Number(seed) });
      expect(again.message).toBe(report.message);
    },
    60_000,
  );

  it('says when a run cannot be replayed', async () => {
    let runs = 0;
    const report = await simulate(
      pipelineOf((source) => source.pipe(mapValue((ticket) => ({ ...ticket, mood: String((runs += 1)) })))),
      options,
    );
    expect(report.message).toContain('a second run of this seed went another way: something takes time or chance from elsewhere');
  });

  it('leaves out of comparison what is left out of it', async () => {
    let count = 0;
    const counting = pipelineOf((source) => source.pipe(mapValue((ticket) => ({ ...ticket, mood: String((count += 1)) }))));
    (await simulate(counting, { ...options, seeds: 5, compare: ({ value }) => value.id })).verify();
  });

  it('asks whose output it is where the header is gone', async () => {
    const bare = pipelineOf((source) => source.pipe(map((one) => one.with(one.value, { headers: [] }))));
    const report = await simulate(bare, { ...options, seeds: 5 });
    expect(report.problems[0]).toMatchObject({ kind: 'wrong' });
    expect(report.message).toContain('descends from no record that is known');
    (await simulate(bare, { ...options, seeds: 5, identify: ({ value }) => value.id })).verify();
  });

  it('holds the run without faults against what is expected', async () => {
    const expected: typeof options.expected = ({ value }) => [{ ...value, mood: 'good' }];
    (await simulate(sound, { ...options, seeds: 2, expected })).verify();
    const report = await simulate(sound, { ...options, seeds: 2, expected: ({ value }) => [{ ...value, mood: 'bad' }] });
    expect(report.message).toContain('without any fault record 0 should come to {"id":0,"mood":"bad"}, got k5 {"id":0,"mood":"good"}');
  });

  it('says of malformed records and tombstones that they are dead letters, with faults and without', async () => {
    const records = [{ bytes: Buffer.from('{"id":') }, { key: 'k', bytes: null }, { key: 'k', value: { id: 2 } }];
    const report = await simulate(sound, { ...options, records, seeds: 5 });
    report.verify();
    const codes = report.history.flatMap((event) => (event.kind === 'letter' ? [event.code] : []));
    expect(codes).toEqual(expect.arrayContaining(['decode_failed', 'unexpected_tombstone']));
  });

  it('lets records wait in the retry topics of a pipeline, hours if need be, and sees that none runs too early', async () => {
    const once = pipelineOf((source, { model }) =>
      source.pipe(
        mapConcurrent((ticket, ctx) => model.classify(String(ticket.id), { labels: ['good', 'bad'] }, ctx).pipe(map(() => ticket)), {
          concurrency: 8,
        }),
      ),
    );
    const waiting = { ...once, retry: 'none', retryTopics: [{ name: 'judge.retry.1', delayMs: 3_600_000 }] } as const;
    const report = await simulate(waiting, { ...options, seeds: 5, faults: ['calls-fail', 'storm-5xx', 'crashed'] });
    report.verify();
    expect(report.history.some((event) => event.kind === 'emitted' && event.from !== undefined)).toBe(true);
  });

  it('says when a resource works in real time', async () => {
    const never: Resource<Model> = { name: 'real', open: () => new Promise(() => undefined) };
    const report = await simulate(sound, { ...options, seeds: 1, faults: [], resources: () => ({ model: never }) });
    expect(report.message).toContain('no member has started: a resource that opens in real time');
  });

  it.each([
    { given: { records: [] }, says: 'records must be at least one, got none' },
    { given: { seeds: 0 }, says: 'seeds must be an integer >= 1, got 0' },
    { given: { seed: -1 }, says: 'seed must be an integer >= 0, got -1' },
    { given: { partitions: 0 }, says: 'partitions must be an integer from 1 to 100, got 0' },
    { given: { faults: ['fire' as 'down'] }, says: 'faults must be one of joined' },
    { given: { records: [{ value: { id: 1 }, input: 'other' }] }, says: 'records[0].input must be one of tickets, got other' },
  ] satisfies readonly { given: Partial<typeof options>; says: string }[])('refuses $given', async ({ given, says }) => {
    await expect(simulate(sound, { ...options, ...given })).rejects.toThrow(says);
  });
});
