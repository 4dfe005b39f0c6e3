import { catchError, defer, Observable, type Subscriber, Subscription } from 'rxjs';
import { type CallScope, currentScope, inScope, scopeWith } from '../../call.ts';
import type { Clock } from '../../clock.ts';
import { messageOf, TimeoutError } from '../../errors.ts';
import { hedged } from '../../policies/internal/hedged.ts';
import { whileWanted } from '../../policies/internal/while-wanted.ts';
import { LearnedState } from '../../policies/learned-p95.state.ts';
import type { OpenContext } from '../../resource.ts';
import type { Model } from '../model.ts';
import { AttemptMeters } from './attempt-meters.ts';
import { endOf, movesOn } from './call-end.ts';
import type { Turn, TurnEnd } from './member.state.ts';
import { type Ask, needOf } from './needs.ts';
import { type Need, PoolState } from './pool.state.ts';
import type { ResolvedRoute } from './route-options.ts';
import { verdict } from './verdict.ts';
import { WaitingCalls } from './waiting-calls.ts';

/** A call, as the router makes it. */
export interface RoutedCall<T> {
  /** Calls of one kind take alike long. */
  readonly kind: string;
  readonly ask: () => Ask;
  readonly work: (model: Model) => Observable<T>;
  /** The tokens that a value brings. @defaultValue none are told before the end */
  readonly tokensIn?: (value: T) => number;
}

/** What has become of one call so far. */
interface Story<T> {
  readonly call: RoutedCall<T>;
  readonly need: Need;
  readonly asked: Set<number>;
  readonly errors: unknown[];
  readonly meters: AttemptMeters;
  isOver: boolean;
}

const everyoneFull = 'every model that can do it has as many calls as it may';
const learned = { quantile: 0.95, minCalls: 40, lastCalls: 200, maxSteps: 20 } as const;

/** Makes calls with the models of a pool: the shell around {@link PoolState}. */
export class Router {
  readonly pool: PoolState;
  readonly #models: (Model | undefined)[];
  readonly #options: ResolvedRoute;
  readonly #log: OpenContext['log'];
  readonly #firstValue = new LearnedState(learned);
  readonly #waiting: WaitingCalls;
  readonly counts = { calls: 0, failovers: 0, hedges: 0 };

  constructor(options: ResolvedRoute, log: OpenContext['log']) {
    this.#options = options;
    this.#log = log;
    this.#models = options.members.map(() => undefined);
    const rules = options.members.map((one) => one.rules);
    this.pool = new PoolState(rules, options.health, options.policy);
    this.#waiting = new WaitingCalls(this.pool);
  }

  /** Those that are open, in order. */
  get models(): readonly Model[] {
    return this.#models.filter((one) => one !== undefined);
  }

  /** Calls that wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  join(index: number, model: Model, clock: Clock): void {
    this.#models[index] = model;
    const member = this.pool.members[index];
    if (member) member.isOpen = true;
    this.#waiting.look(true, clock);
  }

  call<T>(call: RoutedCall<T>): Observable<T> {
    return new Observable<T>((out) => {
      const scope = currentScope();
      const { clock } = scope;
      const need = needOf(call.ask(), this.#models);
      const story: Story<T> = { call, need, asked: new Set(), errors: [], meters: new AttemptMeters(scope), isOver: false };
      out.add(() => {
        story.isOver = true; // before what runs is told that it is not wanted any more
      });
      this.counts.calls += 1;
      const { hedge } = this.#options;
      hedge?.budget.called(clock.nowMs());
      const afterMs = hedge?.afterMs === 'p95' ? this.#firstValue.length(call.kind) : hedge?.afterMs;
      const may = (nowMs: number): boolean => {
        const does = this.pool.canTake(need, story.asked, nowMs) && hedge?.budget.take(nowMs) === true;
        if (does) this.counts.hedges += 1;
        return does;
      };
      out.add(whileWanted(hedged(this.#oneByOne(story), { afterMs, may }), out).subscribe(passTo(out)));
    });
  }

  /** A question to whoever comes first and is well; to the next where that fails. It is no call of a model, and counts nowhere. */
  count<T>(work: (model: Model) => Observable<T>): Observable<T> {
    return defer(() => {
      const nowMs = currentScope().clock.nowMs();
      const open = [...this.pool.members.entries()].filter(([, { isOpen }]) => isOpen);
      const order = open.toSorted(
        ([, a], [, b]) => Number(!a.mayBeAsked(nowMs)) - Number(!b.mayBeAsked(nowMs)) || a.rules.tier - b.rules.tier,
      );
      const asked = order.flatMap(([index]) => this.#models[index] ?? []).map((model) => defer(() => work(model)));
      return asked.reduce((before, next) => before.pipe(catchError(() => next)));
    });
  }

  /** One model after the other, until one answers. */
  #oneByOne<T>(story: Story<T>): Observable<T> {
    return new Observable<T>((out) => {
      const scope = currentScope();
      const askNext = (): void => {
        const nowMs = scope.clock.nowMs();
        const turn = this.pool.take(story.need, story.asked, nowMs);
        if (!turn) {
          const stands = this.pool.standstill(story.need, story.asked, nowMs);
          const isAwaited: Parameters<typeof verdict>[4] = (open) => scope.waitsOut || scope.takesOver(open);
          if (stands.why === 'full') wait();
          else out.error(verdict(this.#options.name, stands, story.errors, nowMs, isAwaited));
          return;
        }
        if (story.asked.size > 0 && story.errors.length > 0) this.counts.failovers += 1;
        story.asked.add(turn.member);
        out.add(this.#attempt(story, turn, scope, out, askNext));
      };
      const wait = (): void => {
        const isDecided = (): boolean =>
          this.pool.canTake(story.need, story.asked, scope.clock.nowMs()) ||
          this.pool.standstill(story.need, story.asked, scope.clock.nowMs()).why !== 'full';
        const look = (): boolean => {
          const does = isDecided();
          if (does) {
            leave();
            askNext();
          }
          return does;
        };
        const resume = scope.suspend(everyoneFull); // the record's time is not spent on our waiting
        const leavePlace = this.#waiting.enter(look, scope.clock);
        const leave = (): void => {
          leavePlace();
          resume();
        };
        out.add(leave);
      };
      askNext();
    });
  }

  #attempt<T>(story: Story<T>, turn: Turn, scope: CallScope, out: Subscriber<T>, askNext: () => void): Subscription {
    const { call, need, asked, meters } = story;
    const { clock } = scope;
    const model = this.#models[turn.member] as Model;
    const meter = meters.begin(need.inputTokens, model.name);
    const running = new Subscription();
    let how: TurnEnd = { end: 'left' };
    let hasEmitted = false;
    let hasPassed = false;
    running.add(() => {
      if (hasPassed && how.end !== 'succeeded') scope.tries.passed -= 1; // it may be made again
      if (how.end === 'left' && !story.isOver) meter.abandoned();
      this.pool.ended(turn, how, clock.nowMs());
      this.#waiting.look(how.end === 'failed', clock);
    });
    const failed = (error: unknown): void => {
      how = endOf(error, { random: scope.random, nowMs: clock.nowMs(), brokenMs: this.#options.health.maxCoolDownMs });
      this.#free(running, turn, error, clock.nowMs()); // first: what it held must be free for the next
      if (hasEmitted || !movesOn(error)) {
        out.error(error);
        return;
      }
      story.errors.push(error);
      askNext();
    };
    const came = (value: T): void => {
      const nowMs = clock.nowMs();
      this.pool.told(turn, (call.tokensIn?.(value) ?? 0) + (hasEmitted ? 0 : need.inputTokens), nowMs);
      if (!hasEmitted) {
        patience?.();
        if (this.#options.hedge?.afterMs === 'p95') this.#firstValue.learn(call.kind, nowMs - turn.fromMs);
      }
      hasEmitted = true;
      out.next(value);
    };
    const patience = this.#patience(turn, clock, failed);
    running.add(patience);
    const takesOver = (error: unknown): boolean =>
      (!hasEmitted && movesOn(error) && this.pool.canTake(need, asked, clock.nowMs())) || scope.takesOver(error);
    const isBeaten = (): boolean => story.isOver && scope.isBeaten(); // of our own hedges `meters` tells
    inScope(scopeWith(scope, { takesOver, meter, isBeaten }), () => {
      const complete = (): void => {
        if (running.closed) return; // it was left
        how = { end: 'succeeded' };
        running.unsubscribe();
        out.complete();
      };
      const waitsBefore = scope.tries.waits;
      scope.tries.passed += 1; // a drain waits for what is made, and gives back what waits
      hasPassed = true;
      const begun = whileWanted(this.#begun(call, model), running).subscribe({ next: came, error: failed, complete });
      if (scope.tries.waits !== waitsBefore && !running.closed) {
        scope.tries.passed -= 1; // a policy inside of the model has not let it pass yet
        hasPassed = false;
      }
      running.add(begun);
    });
    return running;
  }

  /** A back end that throws where it should fail. */
  #begun<T>({ work }: RoutedCall<T>, model: Model): Observable<T> {
    return new Observable<T>((out) => work(model).subscribe(out));
  }

  #patience(turn: Turn, clock: CallScope['clock'], failed: (error: unknown) => void): (() => void) | undefined {
    const { answerWithinMs } = this.#options;
    if (answerWithinMs === undefined) return undefined;
    const name = this.pool.members[turn.member]?.rules.name ?? '';
    return clock.schedule(answerWithinMs, () => {
      failed(new TimeoutError(`expected model ${name} to begin to answer within ${String(answerWithinMs)} ms`));
    });
  }

  /** Says once when a model is left alone from now on. */
  #free(running: Subscription, { member: index }: Turn, error: unknown, nowMs: number): void {
    const member = this.pool.members[index];
    const before = member?.coolDowns;
    running.unsubscribe();
    if (!member || member.coolDowns === before) return;
    const forMs = Math.ceil(member.untilMs - nowMs);
    this.#log('warn', `model ${member.rules.name} of ${this.#options.name} is left alone for ${String(forMs)} ms: ${messageOf(error)}`);
  }
}

const passTo = <T>(out: Subscriber<T>) => ({
  next: (value: T) => {
    out.next(value);
  },
  error: (error: unknown) => {
    out.error(error);
  },
  complete: () => {
    out.complete();
  },
});
