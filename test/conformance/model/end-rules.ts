import { take } from 'rxjs';
import { expect } from 'vitest';
import type { CallContext } from '../../../src/call.ts';
import { isAbortError, isRetryable } from '../../../src/errors.ts';
import { noContext } from '../../../src/record/record-context.ts';
import { type ModelWorld, type OpenModel, textOf } from './model-world.ts';
import type { ModelRule } from './rule.ts';

/** A call's context with a signal, and nothing else of note. */
const contextWith = (signal: AbortSignal): CallContext => ({
  ...{ signal, attempt: 1, deadlineMs: Number.POSITIVE_INFINITY, position: undefined, key: null, headers: [] },
  ...{ context: noContext, degraded: [] },
});

/** What may be done for a call that is left at once: a prompt evaluated, a token that is on its way, what lies in buffers between. Far less than a long answer. */
const onTheWay = 40;

/** Runs `body`, and returns what is done on the far side from its end on. */
async function doneAfter(world: ModelWorld, body: () => Promise<void>): Promise<number> {
  await body();
  const before = (await world.far?.done()) ?? 0;
  await world.idle();
  return ((await world.far?.done()) ?? 0) - before;
}

/** A call for a long answer, which has begun. */
async function begun(world: ModelWorld, { model, far }: Pick<OpenModel, 'model' | 'far'> = world) {
  const { prompt, options } = world.asks.long;
  const call = world.listen(model.chat(prompt, options));
  if (world.can('streaming') || far === undefined) await call.begun;
  else
    await world.eventually(async () => {
      expect(await far.working()).toBeGreaterThan(0);
    });
  expect(call.error, 'the error of a call that should have begun').toBeUndefined();
  return call;
}

/** How often the calls of a model that is gone are tried. */
const gone = async (
  world: ModelWorld,
  end: (model: ModelWorld['model'], close: () => Promise<void>) => Promise<unknown>,
): Promise<void> => {
  const { model, close, far } = await world.another();
  const running = await begun(world, { model, far });
  await end(model, close);
  await running.over;
  expect(running.end).toBe('failed');
  expect(world.ours(running.error).code).toBe('model_unavailable');
  await world.eventually(async () => {
    expect((await far?.working()) ?? 0).toBe(0);
  });
  for (let time = 0; time < 8; time += 1) expect((await world.failure(model.chat('x'))).code, 'later calls').toBe('model_unavailable');
  expect((await world.failure(model.classify('x', { labels: ['a', 'b'] }))).code).toBe('model_unavailable');
  await end(model, close);
};

export const endRules: readonly ModelRule[] = [
  {
    rule: 14,
    says: 'unsubscribing within an answer: nothing comes any more, and the work stops within a token',
    needs: ['streaming', 'farSide'],
    test: async (world) => {
      const left = async (): Promise<void> => {
        const call = await begun(world);
        call.leave();
      };
      expect(await doneAfter(world, left), 'what is done after it was left').toBeLessThanOrEqual(onTheWay);
    },
  },
  {
    rule: 15,
    says: 'unsubscribing before anything has come stops the work, at whatever moment',
    test: async (world) => {
      const { prompt, options } = world.asks.long;
      const left = async (turns: number): Promise<void> => {
        const call = world.listen(world.model.chat(prompt, options));
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        if (turns > 10) await new Promise(setImmediate);
        call.leave();
      };
      for (const turns of [0, 1, 3, 10, 11])
        expect(await doneAfter(world, () => left(turns)), `what is done for a call left after ${String(turns)} turns`).toBeLessThanOrEqual(
          onTheWay,
        );
    },
  },
  {
    rule: 16,
    says: 'a signal that aborts fails the call with its reason and stops the work; one that is aborted asks nothing',
    test: async (world) => {
      const { prompt, options } = world.asks.long;
      const own = new AbortController();
      const aborted = async (): Promise<void> => {
        const call = world.listen(world.model.chat(prompt, options, contextWith(own.signal)));
        own.abort();
        await call.over;
        expect(call.end).toBe('failed');
        expect(isAbortError(call.error)).toBe(true);
      };
      expect(await doneAfter(world, aborted), 'what is done after it was aborted').toBeLessThanOrEqual(onTheWay);
      await world.untouched(async () => {
        const late = world.listen(world.model.chat(prompt, options, contextWith(own.signal)));
        await late.over;
        expect([late.end, isAbortError(late.error)]).toEqual(['failed', true]);
      });
    },
  },
  {
    rule: 17,
    says: 'a call that is left from within a piece ends there',
    test: async (world) => {
      const { prompt, options } = world.asks.long;
      const taken = async (): Promise<void> => {
        expect(await world.all(world.model.chat(prompt, options).pipe(take(1)))).toHaveLength(1);
      };
      expect(await doneAfter(world, taken), 'what is done after it was left').toBeLessThanOrEqual(onTheWay);
    },
  },
  {
    rule: 18,
    says: 'a call that is left takes nothing from those beside it',
    test: async (world) => {
      const { prompt, options, text } = world.asks.exactly('the one that stays');
      const { long } = world.asks;
      const left = world.listen(world.model.chat(long.prompt, long.options));
      const stays = world.listen(world.model.chat(prompt, options));
      await Promise.race([left.begun, stays.begun]);
      left.leave();
      await stays.over;
      expect([stays.end, textOf(stays.values)]).toEqual(['completed', text]);
    },
  },
  {
    rule: 19,
    says: 'dispose ends what runs and what comes later with model_unavailable, as often as it is called',
    test: (world) =>
      gone(world, async (model) => {
        expect(await world.all(model.dispose())).toEqual([]);
      }),
  },
  {
    rule: 20,
    says: 'closing its resource ends what runs and what comes later with model_unavailable, as often as it is called',
    needs: ['close'],
    test: (world) => gone(world, (_, close) => close()),
  },
  {
    rule: 21,
    says: 'when what computes goes down, the calls in it fail with a code that may be tried again, and later ones are served',
    needs: ['crash', 'farSide'],
    test: async (world) => {
      const opened = await world.another();
      const { model, far } = opened;
      const calls = [await begun(world, opened), await begun(world, opened)];
      await far?.crash?.();
      for (const call of calls) {
        await call.over;
        expect(call.end).toBe('failed');
        const { code, grade } = world.ours(call.error);
        expect(code).toMatch(/^model_(crashed|failed|unavailable)$/);
        expect(isRetryable(grade)).toBe(true);
      }
      const { prompt, options, text } = world.asks.exactly('again');
      await world.eventually(async () => {
        expect(textOf(await world.all(model.chat(prompt, options)))).toBe(text);
      });
    },
  },
  {
    rule: 22,
    says: 'each fault is an error of its own code, and the next call is served',
    needs: ['faults'],
    test: async (world) => {
      const { faults = [] } = world.under;
      expect(faults.length, 'faults of a back end that has any').toBeGreaterThan(0);
      const { model } = await world.another();
      const { prompt, options, text } = world.asks.exactly('served');
      for (const fault of faults) {
        expect((await world.failure(model.chat(fault.prompt))).code).toBe(fault.code);
        expect(textOf(await world.all(model.chat(prompt, options)))).toBe(text);
      }
    },
  },
];
