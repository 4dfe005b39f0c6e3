import { describe, expect, it } from 'vitest';
import { mapConcurrent, withPermit } from '../../operators/index.ts';
import { permits } from '../../src/policies/permits.ts';
import { json } from '../../src/codec/json.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { policyStates, watchedPolicies } from '../../src/runtime/watched-policies.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { NEVER } from 'rxjs';

describe('the policies of a pipeline', () => {
  it('are those resources that describe themselves, each once, under the names they have there', () => {
    const slots = permits(2);
    const found = watchedPolicies({ model: { name: 'x' }, slots, again: slots, others: permits(3), text: 'describe', nothing: null });
    expect(policyStates(found, 0).map(({ name, limit }) => [name, limit])).toEqual([
      ['slots', 2],
      ['others', 3],
    ]);
  });

  it('do not hide each other when one throws', () => {
    const broken = {
      describe: () => {
        throw new Error('no idea');
      },
    };
    expect(policyStates(watchedPolicies({ broken, slots: permits(2) }), 0)).toMatchObject([
      { name: 'broken', kind: 'unknown', reason: 'describe() threw: no idea' },
      { name: 'slots', kind: 'permits' },
    ]);
  });

  it('stand in the stats', async () => {
    const clock = virtualClock(1_000);
    const transport = memory({ clock });
    await transport.createTopics([{ name: 'in' }, { name: 'dead' }]);
    const pipeline = definePipeline({
      name: 'p',
      input: topic('in', json()),
      deadLetter: topic('dead'),
      resources: { slots: permits(1) },
      process: (source, { slots }) => source.pipe(mapConcurrent(() => NEVER.pipe(withPermit(slots)), { concurrency: 2 })),
    });
    const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
    for (const key of ['a', 'b']) transport.broker.append('in', 0, [{ key: Buffer.from(key), value: Buffer.from('1'), headers: [] }]);
    await clock.advance(100);
    expect(app.stats().policies).toEqual([
      {
        name: 'slots',
        kind: 'permits',
        used: 1,
        limit: 1,
        waiting: 1,
        numbers: expect.any(Object) as object,
        reason: 'all permits are taken',
      },
    ]);
    const drained = app.drain({ deadlineMs: 0 });
    await clock.advance(1_000);
    await drained;
  });
});
