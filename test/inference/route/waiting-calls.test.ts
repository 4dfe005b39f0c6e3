import { map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../../operators/map-concurrent.ts';
import { mill, sorted, upTo, type Value } from '../../helpers/mill.ts';
import { within } from '../../helpers/scope.ts';
import { calmScope, openRoute, said } from './opened.ts';

const everyoneFull = 'every model that can do it has as many calls as it may';

describe('calls that wait for a place', () => {
  /** Ten records at once, one place, 100 ms a call. */
  async function started(spec: { readonly deadlineMs?: number } = {}) {
    const m = await mill();
    const only = said('only', { latencyMs: 100 });
    const { model } = await openRoute(m.clock, { models: [{ model: only, maxCalls: 1 }] });
    await m.feed(upTo(10).map((value) => ({ value })));
    const ask = (value: Value) =>
      model.chat('hello').pipe(
        toArray(),
        map(() => value),
      );
    const app = await m.start((source) => source.pipe(mapConcurrent(ask, { concurrency: 10 })), { ordering: 'none', ...spec });
    return { ...m, app, only };
  }

  it('spend nothing of the time of their records', async () => {
    const { clock, app, outputs, letters } = await started({ deadlineMs: 400 });
    await clock.advance(150);
    expect(app.stats().waits).toEqual([{ reason: everyoneFull, calls: 8 }]);
    await clock.advance(10_000);
    expect([sorted(outputs()), letters()]).toEqual([upTo(10), []]);
    expect(app.stats().waits).toEqual([]);
  });

  it('are given back at once by a drain, and the one that has a place is waited for', async () => {
    const { clock, app, outputs, only } = await started();
    await clock.advance(150);
    const drained = app.drain({ deadlineMs: 60_000 });
    await clock.advance(200);
    expect([app.state, outputs().length, app.stats().givenBack, only.stats.calls]).toEqual(['stopped', 2, 8, 2]);
    await drained;
  });

  it('have been made again when the model before has failed: what waits for the next one is not waited for', async () => {
    const m = await mill();
    const [bad, slow] = [
      said('bad', { faults: [{ share: 1, fault: { kind: 'status', status: 500 } }] }),
      said('slow', { latencyMs: 5_000 }),
    ];
    const { model } = await openRoute(m.clock, { models: [[bad], [{ model: slow, maxCalls: 1 }]] });
    const scope = calmScope(m.clock);
    within(calmScope(m.clock), model.chat('first')).subscribe();
    await m.clock.advance(20);
    const running = within(scope, model.chat('second')).subscribe();
    expect(scope.tries.passed).toBe(1);
    await m.clock.advance(20);
    expect([scope.waits, scope.tries.passed]).toEqual([[everyoneFull], 0]);
    await m.clock.advance(5_000);
    expect([scope.waits, scope.tries.passed]).toEqual([[], 1]);
    running.unsubscribe();
    expect([scope.waits, scope.tries.passed]).toEqual([[], 0]);
  });
});
