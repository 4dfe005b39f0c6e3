import { type CallContext, call, classify, type Clock, isAbortError, isStreamError, type Journal, messageOf, type Model } from 'millrace';
import { catchError, concatMap, defer, finalize, map, type Observable, of } from 'rxjs';
import type { SeedOrder } from './agent/order.ts';
import type { Config } from './config.ts';
import { shippedCorpus } from './shipped-config.ts';
import type { AskListener, ModelDesk } from './model-desk.ts';
import type { SeedOutcome, SeedReference, SeedResult } from './outcome.ts';
import { type Seed, topicOf } from './seed.ts';
import { type SeedEnd, SeedError, seedProcess, type SeedWork } from './seed-process.ts';
import type { SeedProcesses } from './seed-processes.ts';

export interface SeedRunnerOptions {
  readonly config: Config;
  readonly randomSeed: number;
  readonly desk: ModelDesk;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly processes: SeedProcesses;
  readonly lookUp: (place: number) => Seed | undefined;
  /** Told of each process that begins and ends. */
  readonly onRunning?: ((change: 1 | -1) => void) | undefined;
  readonly seedWork?: SeedWork | undefined;
}

/** By which key the journal knows a seed. */
export const keyOf = (sourceId: string): readonly string[] => ['seed', sourceId];

interface Cost {
  attempts: number;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  callMs: number;
  waitMs: number;
}

/** Works on one seed after the other, or beside each other: whoever calls bounds how many. */
export class SeedRunner {
  readonly #options: SeedRunnerOptions;

  constructor(options: SeedRunnerOptions) {
    this.#options = options;
  }

  /**
   * One cold call, that emits once when the outcome is in the journal. A failure of the seed is an outcome; fails itself with what concerns all seeds, and with an AbortError. Unsubscribing kills the seed's process, and
   * nothing is kept of it.
   */
  work(reference: SeedReference, model: Model, ctx: CallContext): Observable<SeedResult> {
    const { clock, journal, lookUp, onRunning } = this.#options;
    return defer(() => {
      const seed = lookUp(reference.place);
      if (seed?.sourceId !== reference.sourceId) throw new Error(`seed ${reference.sourceId} is not of this run`);
      const cost: Cost = { attempts: 0, calls: 0, inputTokens: 0, outputTokens: 0, callMs: 0, waitMs: 0 };
      const startedMs = clock.nowMs();
      const costs = (end?: SeedEnd) => ({
        ...cost,
        wallMs: Math.round(clock.nowMs() - startedMs),
        cpuMs: end?.cpuMs ?? 0,
        maxRssBytes: end?.maxRssBytes ?? 0,
      });
      onRunning?.(1);
      return this.#tried(seed, model, ctx, cost).pipe(
        map((end): SeedOutcome => ({ status: 'done', findings: end.findings, ...costs(end) })),
        catchError((error: unknown) => {
          if (isAbortError(error) || concernsAll(error)) throw error;
          return of<SeedOutcome>({ status: 'failed', error: { code: codeOf(error), message: messageOf(error) }, ...costs() });
        }),
        concatMap((outcome) => call(() => journal.append(keyOf(seed.sourceId), outcome)).pipe(map(() => outcome))),
        map(({ status }) => ({ ...reference, status })),
        finalize(() => onRunning?.(-1)),
      );
    });
  }

  /** A process that dies is no fault of its seed, as far as anybody knows: it gets another. */
  #tried(seed: Seed, model: Model, ctx: CallContext, cost: Cost): Observable<SeedEnd> {
    const { config, desk, clock, processes, seedWork = seedProcess } = this.#options;
    return defer(() => {
      cost.attempts += 1;
      return seedWork(this.#order(seed), {
        ask: (question) => {
          cost.calls += 1;
          const onTimes = (callMs: number, waitMs: number): void => {
            cost.callMs += Math.round(callMs);
            cost.waitMs += Math.round(waitMs);
          };
          const onUsed: AskListener['onUsed'] = ({ inputTokens, outputTokens }) => {
            cost.inputTokens += inputTokens;
            cost.outputTokens += outputTokens;
          };
          return desk.ask(model, question, ctx, { onTimes, onUsed });
        },
        ...{ clock, processes, timeoutMs: config.seed_timeout_ms, memoryMb: config.worker_memory_mb },
      });
    }).pipe(
      catchError((error: unknown) => {
        const died = isStreamError(error) && error.code === 'call_failed';
        if (!died || cost.attempts >= config.seed_attempts) throw error;
        return this.#tried(seed, model, ctx, cost);
      }),
    );
  }

  #order({ sourceId, value }: Seed): SeedOrder {
    const { config, randomSeed } = this.#options;
    return {
      sourceId,
      topic: topicOf(value),
      mode: config.environment_mode,
      tools: config.available_tools,
      modules: config.tool_modules,
      servers: config.mcp_servers.map(({ headers_env: headersEnv, ...server }) => ({ ...server, headersEnv })),
      web: webOf(config),
      randomSeed,
      maxDepth: config.max_depth,
      branchingFactor: config.branching_factor,
      depthThreshold: config.depth_threshold,
      maxSteps: config.max_steps,
      maxTrajectories: config.max_trajectories,
      temperature: config.temperature,
      maxAnswerTokens: config.max_answer_tokens,
      promptChars: config.prompt_chars,
      observationChars: config.observation_chars,
      toolTimeoutMs: config.tool_timeout_ms,
      closedBookCheck: config.closed_book_check,
    };
  }
}

/** A library is what is left where the web is not named. */
function webOf({ environment_kwargs: kwargs }: Config): SeedOrder['web'] {
  const { web_search_top_k: topK, corpus = shippedCorpus, search, allow } = kwargs;
  const fields = search?.fields && Object.fromEntries(Object.entries(search.fields).filter(([, path]) => typeof path === 'string'));
  const api = search && {
    url: search.url,
    results: search.results,
    ...(search.key_env !== undefined && { keyEnv: search.key_env }),
    ...(search.key_header !== undefined && { keyHeader: search.key_header }),
    ...(search.is_private !== undefined && { isPrivate: search.is_private }),
    ...(fields && { fields }),
  };
  return { topK, corpus: api && allow ? undefined : corpus, search: api, allow };
}

const codeOf = (error: unknown): string => (isStreamError(error) || error instanceof SeedError ? error.code : 'call_failed');

const concernsAll = (error: unknown): boolean => !(error instanceof SeedError) && classify(error) === 'pipeline';
