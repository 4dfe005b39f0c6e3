import {
  adaptiveLimit,
  type CallContext,
  type CircuitBreaker,
  circuitBreaker,
  type Clock,
  estimateCall,
  isStreamError,
  type JsonSchemaObject,
  jsonSchema,
  messageOf,
  type Model,
  type Permits,
  permits,
  type RateLimit,
  rateLimit,
  type TokenBudget,
  tokenBudget,
} from 'millrace';
import { callTimeout, retryWithBackoff, withBreaker, withinBudget, withinRate, withPermit } from 'millrace/operators';
import { defer, map, type MonoTypeOperatorFunction, type Observable, tap } from 'rxjs';
import type { Question, Reply } from './agent/question.ts';
import type { Config } from './config.ts';
import { BudgetSpent, spendBudget } from './spend-budget.ts';
import type { SpendLimit } from './spend-limit.state.ts';
import type { WaitingTimes } from './waiting-times.state.ts';

export interface ModelDeskOptions {
  readonly config: Config;
  /** Seeds at once. */
  readonly workers: number;
  /** Somebody else's, who may say that it is too much. */
  readonly isRemote: boolean;
  readonly spend: SpendLimit;
  readonly times: WaitingTimes;
  readonly clock: Clock;
  /** What does not fit into the budget any more asks for nothing: the run ends. */
  readonly onSpent: () => void;
}

export interface AskListener {
  readonly onTimes: (callMs: number, waitMs: number) => void;
  /** Of one attempt, also where its answer could not be used. */
  readonly onUsed: (used: { readonly inputTokens: number; readonly outputTokens: number }) => void;
}

/** Schemas of tools and answers that are kept compiled; a run has a few dozen. */
const mostSchemas = 256;
/** Grades of what may pass; what no longer fits into the run's budget never will. */
const worthIt: readonly string[] = ['transient', 'overload', 'resource'];
/** An answer that does not fit is asked for once more. */
const repairs = 1;
/** An outage is waited for, whoever it befalls first: before the attempts of a call are over, where it has more than one. */
const failuresInARow = 3;

type Within = MonoTypeOperatorFunction<Reply>;

/**
 * Where all seeds of a run ask the model: one for all, so that its memory does not multiply, keys stay in this process, and limits are kept over all seeds together. Calls go through attempts with their timeout, a limit of calls at
 * once that falls when the other side says it is too much, the interval between starts, the budgets and a breaker.
 */
export class ModelDesk {
  readonly breaker: CircuitBreaker;
  readonly #options: ModelDeskOptions;
  readonly #slots: Permits;
  readonly #rate: RateLimit | undefined;
  readonly #budget: TokenBudget | undefined;
  readonly #schemas = new Map<string, ReturnType<typeof standardSchema>>();

  constructor(options: ModelDeskOptions) {
    const { config, workers, isRemote } = options;
    const { request_interval_ms: minIntervalMs } = config;
    this.#options = options;
    this.breaker = circuitBreaker({ failures: Math.max(1, Math.min(failuresInARow, config.attempts - 1)), isFailure: isAway });
    this.#slots = isRemote ? adaptiveLimit({ algorithm: 'aimd', min: 1, max: workers, initial: workers }) : permits(workers);
    this.#rate = minIntervalMs === 0 ? undefined : rateLimit({ refillPerSecond: 1_000 / minIntervalMs, capacity: 1, minIntervalMs });
    this.#budget = budgetOf(config);
  }

  /** Calls that the limit lets through at once, at present. */
  get limit(): number {
    return this.#slots.limit;
  }

  /** One cold call. Fails with the error of the last attempt. `listener` is told what each attempt has used, and at the end how long it was called, and how long it waited. */
  ask(model: Model, question: Question, ctx: CallContext, { onTimes, onUsed }: AskListener): Observable<Reply> {
    const { times, clock, spend, onSpent, config } = this.#options;
    return defer(() => {
      const askedMs = clock.nowMs();
      let callMs = 0;
      const over = (): void => {
        const waitMs = Math.max(0, clock.nowMs() - askedMs - callMs);
        times.waited(waitMs);
        onTimes(callMs, waitMs);
      };
      const once = defer(() => {
        const end = times.begins(clock.nowMs());
        // not `finalize`, which runs when downstream has been told
        const ended = (): void => {
          callMs += end(clock.nowMs());
        };
        return this.#once(model, question, ctx).pipe(tap({ complete: ended, error: ended, unsubscribe: ended }));
      }).pipe(
        callTimeout({ ms: config.call_timeout_ms }),
        tap({
          error: (error: unknown) => {
            if (saysTooMuch(error)) times.overloaded();
          },
        }),
        withPermit(this.#slots),
        this.#rate === undefined ? same : withinRate(this.#rate),
        this.#budget === undefined ? same : this.#within(model, question, this.#budget),
        withBreaker(this.breaker),
        this.#within(model, question, spendBudget({ spend, repairs, onUsed, onSpent })),
        retryWithBackoff({
          attempts: config.attempts,
          initialMs: 1_000,
          retryIf: (error, grade) => !(error instanceof BudgetSpent) && worthIt.includes(grade),
        }),
      );
      return once.pipe(tap({ complete: over, error: over }));
    });
  }

  #once(model: Model, { turns, jsonSchema: schema, maxTokens, temperature, seed }: Question, ctx: CallContext): Observable<Reply> {
    const chance = model.capabilities.sampling.includes('seed') ? { seed } : {};
    const options = { schema: this.#schema(schema), jsonSchema: schema, repairs, maxTokens, temperature, ...chance };
    return model
      .answer(turns, options, ctx)
      .pipe(map(({ value, usage, model: by }) => ({ value, model: by, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens })));
  }

  #within(model: Model, { turns, maxTokens, jsonSchema: schema }: Question, budget: Pick<TokenBudget, 'acquire'>): Within {
    // where a model cannot be bound to a schema it is told of it
    const whole = model.capabilities.jsonSchema ? turns : [...turns, { role: 'user', content: JSON.stringify(schema) } as const];
    return withinBudget<Reply>(budget, { estimate: () => estimateCall(model, whole, { maxTokens }), usageOf: (reply) => reply });
  }

  #schema(schema: JsonSchemaObject): ReturnType<typeof standardSchema> {
    const key = JSON.stringify(schema);
    const found = this.#schemas.get(key) ?? standardSchema(schema);
    if (this.#schemas.size >= mostSchemas) this.#schemas.clear();
    this.#schemas.set(key, found);
    return found;
  }
}

const same: Within = (calls) => calls;

function budgetOf({ tokens_per_minute: tokensPerMinute, requests_per_minute: requestsPerMinute }: Config): TokenBudget | undefined {
  if (tokensPerMinute === undefined && requestsPerMinute === undefined) return undefined;
  return tokenBudget({ ...(tokensPerMinute && { tokensPerMinute }), ...(requestsPerMinute && { requestsPerMinute }) });
}

/** The codec's checks, which end in bounded time whatever the patterns of a schema are, as a Standard Schema. */
function standardSchema(schema: JsonSchemaObject) {
  const codec = jsonSchema({ schema });
  const encoder = new TextEncoder();
  const validate = (value: unknown): { readonly value: unknown } | { readonly issues: readonly { readonly message: string }[] } => {
    try {
      return { value: codec.decode(encoder.encode(JSON.stringify(value))) };
    } catch (error) {
      return { issues: [{ message: messageOf(error) }] };
    }
  };
  return { '~standard': { version: 1, vendor: 'millrace', validate } } as const;
}

const saysTooMuch = (error: unknown): boolean => isStreamError(error) && (error.status === 429 || error.code === 'overloaded');

/** Nobody is there, or a proxy in front of nobody answers. */
function isAway(error: unknown): boolean {
  if (!isStreamError(error)) return false;
  return error.code === 'model_unavailable' || error.status === 502 || error.status === 504;
}
