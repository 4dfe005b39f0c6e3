import { concat, concatMap, defer, map, mergeMap, NEVER, Observable, of, take, throwError } from 'rxjs';
import { z } from 'zod';
import { batchWithin } from '../../operators/batch-within.ts';
import { callTimeout } from '../../operators/call-timeout.ts';
import { drop } from '../../operators/drop.ts';
import { keepOnly } from '../../operators/keep-only.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { retryWithBackoff } from '../../operators/retry-with-backoff.ts';
import { routeBy } from '../../operators/route-by.ts';
import { split } from '../../operators/split.ts';
import { unbatch } from '../../operators/unbatch.ts';
import { withPermit } from '../../operators/with-permit.ts';
import { withinBudget } from '../../operators/within-budget.ts';
import { call, type CallContext } from '../../src/call.ts';
import { type Clock, sleep } from '../../src/clock.ts';
import { InferenceError, OverloadError } from '../../src/errors.ts';
import type { Model } from '../../src/inference/model.ts';
import { permits } from '../../src/policies/permits.ts';
import { schedule, type Schedule } from '../../src/policies/schedule.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { type Random, randomFrom } from '../../src/simulation/random.ts';
import { worldStartMs } from '../../src/simulation/world.ts';
import { type Fate, fateOf, type Item } from './meant.ts';
import type { CallStage, ModelStage, Plan, PlannedSchedule, Stage } from './plan.ts';

const Asked = z.object({ id: z.number(), path: z.string() });

export type Flow = Observable<Envelope<Item, unknown>>;
type Step = (source: Flow) => Flow;

/** What the user's functions of one app need to know, and whom they tell what they do. */
export interface AppSide {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly called: (at: number, item: Item, step: 'start' | 'end') => void;
  /** Keeps what a lossy operator swallows: found by the deadline then, and not whenever garbage is collected. */
  readonly kept: unknown[];
  /** Answers with what it is asked, if the weather lets it. */
  readonly model: Model;
}

/** The pipeline of a plan; made once for each app, so that an app's permits and budgets are its own. */
export function buildProcess(app: AppSide): Step {
  const steps = app.plan.stages.map((stage, at) => makeStep(app, stage, at));
  return (source) => steps.reduce((flow, step) => step(flow), source);
}

function makeStep(app: AppSide, stage: Stage, at: number): Step {
  const fate = (item: Item): Fate => fateOf(app.plan.seed, at, stage, item);
  const guardedThrow = (item: Item): void => {
    if (fate(item).how === 'throw') throw new Error('planned');
  };
  switch (stage.kind) {
    case 'map':
      return mapValue((item) => {
        guardedThrow(item);
        return item;
      });
    case 'keep':
      return keepOnly((item) => fate(item).how !== 'drop');
    case 'drop':
      return drop((item) => {
        guardedThrow(item);
        return fate(item).how === 'drop' && 'planned';
      });
    case 'split':
      return split(function* (item) {
        const { paths } = fate(item);
        for (const path of paths) yield { ...item, path };
        guardedThrow(item);
      });
    case 'call':
      return callStep(app, stage, at);
    case 'model':
      return modelStep(app, stage, at);
    case 'batch':
      return batchStep(app, stage, at);
    case 'unguarded':
      return map((envelope) => {
        guardedThrow(envelope.value);
        return envelope;
      });
    case 'early':
      return take(stage.after);
    case 'lossy':
      return mergeMap((envelope): Observable<Envelope<Item, unknown>> => {
        if (fate(envelope.value).how !== 'lose') return of(envelope);
        app.kept.push(envelope);
        return NEVER;
      });
    case 'linger':
      return concatMap(
        (envelope) =>
          new Observable<Envelope<Item, unknown>>((out) =>
            app.clock.schedule(stage.ms, () => {
              out.next(envelope);
              out.complete();
            }),
          ),
      );
    case 'route':
      return routeBy((item) =>
        fate(item).how === 'throw' ? 'nowhere' : randomFrom(app.plan.seed, 'route', item.id, item.path).pick(['red', 'green', 'blue']),
      );
  }
}

function callStep(app: AppSide, stage: CallStage, at: number): Step {
  const slots = stage.permits === undefined ? undefined : permits(stage.permits);
  const budget = stage.requestsPerMinute === undefined ? undefined : tokenBudget({ requestsPerMinute: stage.requestsPerMinute });
  const { timeoutMs, attempts } = stage;
  return mapConcurrent(
    (item, ctx) => {
      const fate = fateOf(app.plan.seed, at, stage, item);
      if (fate.how === 'throws at once') throw new Error('planned');
      let flow = watched(app, at, item, oneCall(app, stage, at, item, fate, ctx));
      if (timeoutMs !== undefined) flow = flow.pipe(callTimeout({ ms: timeoutMs }));
      if (slots) flow = flow.pipe(withPermit(slots));
      if (budget) flow = flow.pipe(withinBudget(budget, { estimate: () => 1 }));
      if (attempts !== undefined) flow = flow.pipe(retryWithBackoff({ attempts, initialMs: 20, maxMs: 200 }));
      return flow;
    },
    { concurrency: stage.concurrency, order: stage.order, ...(stage.schedule && { schedule: scheduleOf(app.plan.seed, stage.schedule) }) },
  );
}

function scheduleOf(seed: number, { order, preempt, hasClasses, heldBack, tenants, hasPrefix }: PlannedSchedule): Schedule<Item> {
  const chance = (what: string, { id }: Item): Random => randomFrom(seed, what, id);
  return schedule<Item>({
    order,
    preempt,
    patienceMs: 500,
    tokensOf: (item) => chance('tokens', item).int(0, 60),
    priorityOf: (item) => chance('priority', item).int(-3, 3),
    ...(hasClasses && {
      classes: { of: (item) => chance('class', item).pick(['interactive', 'standard', 'batch']), heldBack: { interactive: heldBack } },
    }),
    ...(tenants > 0 && { tenants: { of: (item) => String(chance('tenant', item).int(1, tenants)), weights: { 1: 2 } } }),
    ...(hasPrefix && { prefix: { of: (item) => chance('prompt', item).pick(['a', 'b']).repeat(200), slackMs: 100 } }),
  });
}

function modelStep(app: AppSide, stage: ModelStage, at: number): Step {
  const slots = stage.permits === undefined ? undefined : permits(stage.permits);
  const { timeoutMs, attempts } = stage;
  return mapConcurrent(
    (item, ctx) => {
      const asked = app.model.answer([{ role: 'user', content: JSON.stringify(item) }], { schema: Asked, repairs: 1 }, ctx);
      let flow = watched(app, at, item, asked.pipe(map(({ value }) => value)));
      if (timeoutMs !== undefined) flow = flow.pipe(callTimeout({ ms: timeoutMs }));
      if (slots) flow = flow.pipe(withPermit(slots));
      if (attempts !== undefined) flow = flow.pipe(retryWithBackoff({ attempts, initialMs: 20, maxMs: 200 }));
      return flow;
    },
    { concurrency: stage.concurrency, order: stage.order },
  );
}

function oneCall(app: AppSide, stage: CallStage, at: number, item: Item, fate: Fate, ctx: CallContext): Observable<Item> {
  let overloads = 0;
  const latencyMs = randomFrom(app.plan.seed, 'latency', at, item.id, item.path).int(0, stage.latencyMs);
  const results = of(...fate.paths.map((path) => ({ ...item, path })));
  const later = <T>(then: Observable<T>): Observable<T> =>
    latencyMs === 0 ? then : call(({ signal }) => sleep(app.clock, latencyMs, signal)).pipe(concatMap(() => then));
  return defer(() => {
    switch (fate.how) {
      case 'hangs':
        return NEVER;
      case 'is down':
        return app.clock.nowMs() < worldStartMs + (stage.downUntilMs ?? 0)
          ? throwError(() => new InferenceError('model_unavailable', 'planned'))
          : later(results);
      case 'rejects':
        return later(throwError(() => new InferenceError('model_rejected', 'planned')));
      case 'fails late':
        return concat(results, later(throwError(() => new InferenceError('model_rejected', 'planned'))));
      case 'is flaky':
        return ctx.attempt < 2 ? later(throwError(() => new InferenceError('model_unavailable', 'planned'))) : later(results);
      case 'is overloaded':
        overloads += 1;
        return overloads < 3 ? throwError(() => new OverloadError('planned', { retryAfterMs: 30 })) : later(results);
      default:
        return later(results);
    }
  });
}

function batchStep(app: AppSide, stage: Stage & { readonly kind: 'batch' }, at: number): Step {
  const { maxSize, maxWaitMs, concurrency, order, latencyMs } = stage;
  return (source) =>
    source.pipe(
      batchWithin({ maxSize, maxWaitMs }),
      mapConcurrent(
        (items) => {
          const results = items.map((item) =>
            fateOf(app.plan.seed, at, stage, item).how === 'throw' ? new InferenceError('model_rejected', 'planned') : item,
          );
          const isWrong = randomFrom(app.plan.seed, 'size', at, ...items.map(({ id }) => id)).chance(stage.wrongSize);
          const work = call(async ({ signal }) => {
            await sleep(app.clock, latencyMs, signal);
            return isWrong ? [...results, ...results] : results;
          });
          return items.reduce((flow, item) => watched(app, at, item, flow), work);
        },
        { concurrency, order },
      ),
      unbatch(),
    );
}

/** Tells when a call for an item starts and ends. */
function watched<T>(app: AppSide, at: number, item: Item, work: Observable<T>): Observable<T> {
  return new Observable<T>((out) => {
    app.called(at, item, 'start');
    out.add(() => {
      app.called(at, item, 'end');
    });
    out.add(work.subscribe(out));
  });
}
