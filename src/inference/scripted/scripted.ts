import { defer, finalize, type Observable, of, tap, throwError } from 'rxjs';
import { currentScope } from '../../call.ts';
import { InferenceError, OptionError, requireInteger, requireNumber } from '../../errors.ts';
import type { Resource } from '../../resource.ts';
import { completeModel } from '../complete-model.ts';
import type {
  ChatChunk,
  ChatOptions,
  ChatTurn,
  Embedding,
  FinishReason,
  Model,
  ModelBackend,
  ModelCapabilities,
  Prompt,
  Usage,
} from '../model.ts';
import { turnsOf } from '../internal/prompt.ts';
import { faultError, type ScriptedFault } from './fault.ts';
import { type Play, play } from './play.ts';
import { scriptedStats, type ScriptedStats } from './scripted-stats.ts';
import { seededRandom } from './seeded-random.ts';

/** One call, as the script sees it. */
export interface ScriptedCall {
  readonly turns: readonly ChatTurn[];
  /** The turns as one text: of a single user turn its content. */
  readonly text: string;
  /** 1 for the first call with this prompt, 2 for the next. */
  readonly nth: number;
  readonly options: ChatOptions;
  /** 0 to 1; depends on the seed, the prompt and `nth` alone. */
  readonly random: () => number;
}

/** What the model says: text, or text with circumstances, which go before the options'. */
export type ScriptedSaying =
  | string
  | { readonly text?: string; readonly latencyMs?: number; readonly finishReason?: FinishReason; readonly fault?: ScriptedFault };

/** The first rule that holds answers; its sayings in order of the calls with one prompt, the last for all further ones. */
export interface ScriptedRule {
  /** The whole prompt, or a pattern in it. */
  readonly prompt: string | RegExp;
  readonly says: ScriptedSaying | readonly ScriptedSaying[];
}

/** One saying for all, rules by prompt, or a function. */
export type Script = string | readonly ScriptedRule[] | ((call: ScriptedCall) => ScriptedSaying);

export interface ScriptedOptions {
  /** @defaultValue 'scripted' */
  readonly name?: string;
  /** Chooses latencies and faults. @defaultValue 1 */
  readonly seed?: number;
  /** From the start of a call to its first token, in ms; a range is drawn from evenly. @defaultValue 0 */
  readonly latencyMs?: number | { readonly min: number; readonly max: number };
  /** Between tokens, in ms. @defaultValue 0 */
  readonly tokenMs?: number;
  /** Faults and the share of the calls they befall, 0 to 1, together at most 1. @defaultValue none */
  readonly faults?: readonly { readonly share: number; readonly fault: ScriptedFault }[];
  /** @defaultValue everything but log-probabilities, no limit of context */
  readonly capabilities?: Partial<ModelCapabilities>;
  /** The log-probabilities of labels; with it `classify` reads them. */
  readonly labels?: (call: ScriptedCall, labels: readonly string[]) => readonly number[];
  /** How many prompts `stats` tells apart; the oldest are forgotten. @defaultValue 100,000 */
  readonly rememberPrompts?: number;
}

/** A model and its resource in one, with what happened to it. */
export interface ScriptedModel extends Model, Resource<Model> {
  readonly stats: ScriptedStats;
}

const dimensions = 64;
const tokensOf = (text: string): readonly string[] => text.match(/\s*\S{1,8}|\s+$/gu) ?? [];
const usageOf = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  cachedTokens: 0,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});
const textOf = (turns: readonly ChatTurn[]): string =>
  turns.length === 1 && turns[0]?.role === 'user' ? turns[0].content : turns.map(({ role, content }) => `${role}: ${content}`).join('\n');

/**
 * A model that says what a script tells it to, for tests and measurements: after given times, with given faults, counting all
 * calls. Time is that of the scope a call is subscribed in, so it runs in virtual time; chance comes from the seed and
 * the prompt, so a run can be repeated whatever the order of its calls. A token is up to 8 characters of a word.
 *
 * It serves as a resource and, unopened, as a model. Emits a token a piece, and after the last the usage; obeys `maxTokens`, `stop` and
 * `contextTokens` as a real one. Holds the counts of 100,000 prompts (`rememberPrompts`), and one timer per running call.
 * Fails with `model_rejected` for a prompt without a rule, and with the faults it is told to; unsubscribing takes its timer back.
 * @throws OptionError for values out of range.
 */
export function scripted(script: Script, options: ScriptedOptions = {}): ScriptedModel {
  const { name = 'scripted', seed = 1, labels, rememberPrompts = 100_000 } = options;
  requireInteger('seed', seed, 0);
  requireInteger('rememberPrompts', rememberPrompts, 1);
  requireTimes(options);
  const { stats, counter } = scriptedStats(rememberPrompts, (prompt: Prompt) => textOf(turnsOf(prompt)));
  const capabilities: ModelCapabilities = {
    contextTokens: undefined,
    jsonSchema: true,
    logProbabilities: labels !== undefined,
    embeddings: true,
    exactTokens: true,
    ...options.capabilities,
  };
  const serve = <T>(turns: readonly ChatTurn[], chat: ChatOptions, make: (call: ScriptedCall) => Play<T>): Observable<T> =>
    defer(() => {
      const text = textOf(turns);
      const { nth, ended } = counter.begin(text);
      const call: ScriptedCall = { turns, text, nth, options: chat, random: seededRandom(seed, text, nth) };
      let outcome: 'completed' | 'failed' | 'aborted' = 'aborted';
      return guarded(() => play(make(call), currentScope().clock)).pipe(
        tap({
          complete: () => {
            outcome = 'completed';
          },
          error: () => {
            outcome = 'failed';
          },
        }),
        finalize(() => {
          ended(outcome);
        }),
      );
    });
  const backend: ModelBackend = {
    name,
    capabilities,
    chat: (turns, chat) => serve(turns, chat, (call) => chatPlay(call, sayingFor(script, call), options, capabilities.contextTokens, name)),
    countTokens: (turns) => of(countOf(turns)),
    embed: (texts) =>
      serve([{ role: 'user', content: texts.join('\n') }], {}, (call) =>
        oncePlay(
          call,
          options,
          texts.map((text) => embeddingOf(text, name)),
        ),
      ),
    ...(labels === undefined
      ? {}
      : {
          labelLogProbabilities: (turns, given) =>
            serve(turns, {}, (call) =>
              oncePlay(call, options, { logProbabilities: labels(call, given), usage: usageOf(countOf(turns), 1) }),
            ),
        }),
  };
  const model = completeModel(backend);
  return { ...model, stats, open: () => Promise.resolve({ value: model, close: () => Promise.resolve() }) };
}

const countOf = (turns: readonly ChatTurn[]): number => turns.reduce((sum, { content }) => sum + tokensOf(content).length, 0);

function guarded<T>(make: () => Observable<T>): Observable<T> {
  try {
    return make();
  } catch (error) {
    return throwError(() => error);
  }
}

function requireTimes({ latencyMs = 0, tokenMs = 0, faults = [] }: ScriptedOptions): void {
  const { min, max } = typeof latencyMs === 'number' ? { min: latencyMs, max: latencyMs } : latencyMs;
  requireNumber('latencyMs', min, 0);
  requireNumber('latencyMs.max', max, min);
  requireNumber('tokenMs', tokenMs, 0);
  for (const { share } of faults) requireNumber('faults.share', share, 0, 1);
  const sum = faults.reduce((total, { share }) => total + share, 0);
  if (sum > 1 + 1e-9) throw new OptionError(`the shares of all faults must be at most 1 together, got ${String(sum)}`);
}

type Circumstances = Exclude<ScriptedSaying, string>;

function sayingFor(script: Script, call: ScriptedCall): Circumstances {
  const found = typeof script === 'string' ? script : typeof script === 'function' ? script(call) : byRule(script, call);
  return typeof found === 'string' ? { text: found } : found;
}

function byRule(rules: readonly ScriptedRule[], { text, nth }: ScriptedCall): ScriptedSaying {
  const rule = rules.find(({ prompt }) => (typeof prompt === 'string' ? prompt === text : text.search(prompt) >= 0));
  if (rule === undefined)
    throw new InferenceError(
      'model_rejected',
      `expected a prompt that the script has a rule for, got one of ${String(text.length)} characters without`,
    );
  const { says } = rule;
  const all = isList(says) ? says : [says];
  const saying = all[Math.min(nth, all.length) - 1];
  if (saying === undefined) throw new InferenceError('model_rejected', 'expected a rule with something to say, got an empty list');
  return saying;
}

const isList = (says: ScriptedRule['says']): says is readonly ScriptedSaying[] => Array.isArray(says);

function delayOf({ latencyMs = 0 }: ScriptedOptions, random: () => number): number {
  const draw = random(); // drawn always, so that faults do not depend on how latency is given
  return typeof latencyMs === 'number' ? latencyMs : latencyMs.min + draw * (latencyMs.max - latencyMs.min);
}

function faultFor({ faults = [] }: ScriptedOptions, random: () => number): ScriptedFault | undefined {
  let left = random();
  return faults.find(({ share }) => {
    left -= share;
    return left < 0;
  })?.fault;
}

function oncePlay<T>(call: ScriptedCall, options: ScriptedOptions, value: T): Play<T> {
  const delayMs = delayOf(options, call.random);
  const fault = faultFor(options, call.random);
  const error = fault === undefined ? undefined : faultError(fault);
  if (error !== undefined) return { pieces: [], end: error, endAfterMs: delayMs };
  if (fault?.kind === 'hang') return { pieces: [], end: 'hang', endAfterMs: 0 };
  return { pieces: [{ afterMs: delayMs, value }], end: 'complete', endAfterMs: 0 };
}

function chatPlay(
  call: ScriptedCall,
  saying: Circumstances,
  options: ScriptedOptions,
  contextTokens: number | undefined,
  name: string,
): Play<ChatChunk> {
  const { maxTokens = 512, stop = [] } = call.options;
  const drawnMs = delayOf(options, call.random);
  const drawnFault = faultFor(options, call.random);
  const { latencyMs = drawnMs, fault = drawnFault, text = '' } = saying;
  const inputTokens = countOf(call.turns);
  if (contextTokens !== undefined && inputTokens + maxTokens > contextTokens) {
    const end = new InferenceError(
      'prompt_too_long',
      `expected prompt and answer within ${String(contextTokens)} tokens, got ${String(inputTokens)} + ${String(maxTokens)}`,
    );
    return { pieces: [], end, endAfterMs: 0 };
  }
  const error = fault === undefined ? undefined : faultError(fault);
  if (error !== undefined) return { pieces: [], end: error, endAfterMs: latencyMs };
  if (fault?.kind === 'hang') return { pieces: [], end: 'hang', endAfterMs: 0 };
  const tokenMs = fault?.kind === 'drip' ? fault.tokenMs : (options.tokenMs ?? 0);
  const said = tokensOf(shortened(text, stop, fault));
  const told = fault?.kind === 'cut' ? said.slice(0, fault.afterTokens ?? 1) : said.slice(0, maxTokens);
  const pieces = told.map((piece, index) => ({ afterMs: index === 0 ? latencyMs : tokenMs, value: { text: piece, index } }));
  if (fault?.kind === 'cut') {
    return {
      pieces,
      end: new InferenceError('model_failed', 'scripted: the stream was cut'),
      endAfterMs: pieces.length === 0 ? latencyMs : tokenMs,
    };
  }
  const finishReason = saying.finishReason ?? (said.length > maxTokens ? 'length' : 'stop');
  const last = { text: '', index: told.length, usage: usageOf(inputTokens, told.length), finishReason, model: name };
  return { pieces: [...pieces, { afterMs: pieces.length === 0 ? latencyMs : 0, value: last }], end: 'complete', endAfterMs: 0 };
}

function shortened(text: string, stop: readonly string[], fault: ScriptedFault | undefined): string {
  const ends = stop.map((one) => text.indexOf(one)).filter((at) => at >= 0);
  const stopped = text.slice(0, Math.min(text.length, ...ends));
  return fault?.kind === 'bad-json' ? stopped.slice(0, Math.ceil((stopped.length * 2) / 3) - 1) : stopped;
}

/** Words thrown into a few dimensions by their hash: texts that share words are near. */
function embeddingOf(text: string, model: string): Embedding {
  const vector = new Float32Array(dimensions);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    const random = seededRandom(0, word);
    for (let n = 0; n < 4; n += 1) {
      const at = Math.floor(random() * dimensions);
      vector[at] = (vector[at] ?? 0) + 1;
    }
  }
  return { vector, usage: usageOf(tokensOf(text).length, 0), model };
}
