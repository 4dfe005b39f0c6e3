import type { Clock } from '../clock.ts';
import type { Resource } from '../resource.ts';
import type { Release } from './call-outcome.ts';
import { type EngineGateOptions, resolveEngineGateOptions } from './engine-gate-options.ts';
import { EngineGateState } from './engine-gate.state.ts';
import { EnginePoll } from './internal/engine-poll.ts';
import { engineSource } from './internal/engine-source.ts';
import { TurnQueue } from './internal/turn-queue.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

/** One call that wants to pass. */
export interface GateRequest {
  readonly clock: Clock;
  /** Chance, from 0 up to 1. */
  readonly random: () => number;
  /** Told when the call has to wait; see `CallScope.hold`. Until now where the engine is merely busy. */
  readonly hold: (reason: string, untilMs: number) => void;
  /** Runs when the call may pass, perhaps before `enter` returns. */
  readonly granted: () => void;
}

/** Lets calls through by what an engine says of itself; `withGate` obeys it. */
export interface EngineGate extends WatchedPolicy {
  /** Calls that wait now. */
  readonly waiting: number;
  /**
   * Lets calls pass in the order of asking. The result ends a call, and gives up the place of one that waits; told that the call was completed, it
   * lets the next one have its place in the engine.
   */
  enter(request: GateRequest): Release;
}

const words = {
  silent: 'the engine does not say how it is',
  queue: 'requests wait inside the engine',
  cache: "the engine's KV cache is full",
  full: 'the engine has been given as much as it has room for',
} as const;

/**
 * Admits calls by what the engine itself says: how many requests it runs and keeps waiting, how full its KV cache is, how many slots are free.
 * Use it in front of an engine of your own, where a queue inside the engine costs latency and a full cache costs work done twice (preemption).
 *
 * It asks every 500 ms while calls want to pass. At `maxWaiting`, or at a full cache, nothing passes; below, in proportion to what is free. It
 * closes at once and opens slowly, with jitter, so that several processes do not fill the queue again together. An engine that is silent
 * for `staleMs` is taken for full (fails closed), and so is one that was never heard. Between two answers at most its room is let through, and one call
 * for each that is completed: so many as were free are the overshoot of each process, so share one gate where you can, or tell `slots`.
 *
 * The value works at once for a server; for a `model` it must be among the pipeline's resources, which opens it. Holds one entry per
 * waiting call, one timer, one request. Fails nothing: calls wait, with the source held and their record's time suspended.
 * @throws OptionError for an option outside its range.
 * @see vLLM's, SGLang's and llama-server's metrics; their names stand in `internal/engine-metrics.ts`.
 */
export function engineGate(options: EngineGateOptions): EngineGate & Resource<EngineGate> {
  const { slots, pollMs, staleMs, ...settings } = resolveEngineGateOptions(options);
  const { read, open } = engineSource(options);
  const state = new EngineGateState({ ...settings, staleMs });
  const closedBy = (nowMs: number): string => words[state.closedBy(nowMs) ?? 'full'];
  let saidMs = 0;
  const queue: TurnQueue<undefined, true> = new TurnQueue({
    get reason() {
      return closedBy(saidMs);
    },
    readyAtMs: (_, nowMs) => {
      saidMs = nowMs;
      if (state.closedBy(nowMs) === undefined) return nowMs;
      return poll.nextMs > nowMs ? poll.nextMs : nowMs + pollMs; // the answer is late, and serves them when it comes
    },
    take: () => {
      state.admit();
      return true;
    },
  });
  const poll: EnginePoll = new EnginePoll({
    read: async (signal) => ({ ...(slots !== undefined && { slots }), ...(await read(signal)) }),
    ...{ state, pollMs, timeoutMs: staleMs },
    isWanted: () => queue.waiting > 0,
    onAnswer: () => {
      queue.pump();
    },
  });
  const self: EngineGate & Resource<EngineGate> = {
    name: `engineGate(${options.engine})`,
    get waiting() {
      return queue.waiting;
    },
    enter: ({ clock, random, hold, granted }) => {
      poll.wake(clock, random);
      // an engine that is merely busy gives places back all the time: like one for permits, the wait is no reason to take nothing
      const holdUnlessBusy: GateRequest['hold'] = (reason, untilMs) => {
        hold(reason, reason === words.full ? clock.nowMs() : untilMs);
      };
      const turn = queue.enter(undefined, { clock, hold: holdUnlessBusy, granted });
      return (outcome) => {
        turn.end(() => {
          if (outcome?.end === 'completed') state.completed();
        });
      };
    },
    describe: (nowMs) => stateOf(self, state, poll, nowMs),
    open: async (context) => {
      const close = await open(context);
      return {
        value: self,
        close: async () => {
          poll.stop();
          await close();
        },
      };
    },
  };
  return self;
}

function stateOf(
  { name, waiting }: EngineGate & Resource<EngineGate>,
  state: EngineGateState,
  poll: EnginePoll,
  nowMs: number,
): PolicyState {
  const { running = 0, waiting: queued = 0, kvUse = 0, slots } = state.load ?? {};
  const closedBy = state.closedBy(nowMs);
  const why = closedBy === undefined ? undefined : words[closedBy];
  return {
    name,
    kind: 'engine-gate',
    used: running,
    limit: slots ?? Infinity,
    waiting,
    ...(waiting > 0 && why !== undefined
      ? { pausedUntilMs: poll.nextMs, reason: closedBy === 'silent' && poll.trouble ? `${why}: ${poll.trouble}` : why }
      : {}),
    numbers: { engine_waiting: queued, kv_use_share: kvUse, open_share: state.openness, admitted_total: state.admitted },
  };
}
