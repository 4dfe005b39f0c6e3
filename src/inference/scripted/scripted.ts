import { defer, finalize, type Observable, of, tap } from 'rxjs';
import { currentScope } from '../../call.ts';
import { type OptionNames, requireOptions } from '../../check-options.ts';
import { OptionError, requireInteger, requireNumber } from '../../errors.ts';
import type { Resource } from '../../resource.ts';
import { completeModel } from '../complete-model.ts';
import type { ChatOptions, ChatTurn, Embedding, Model, ModelBackend, ModelCapabilities, Prompt } from '../model.ts';
import { turnsOf } from '../internal/prompt.ts';
import type { ScriptedFault, ScriptedStorm } from './fault.ts';
import { type Play, play } from './play.ts';
import { chatPlay, countOf, oncePlay, tokensOf, usageOf } from './plays.ts';
import { type Script, type ScriptedCall, sayingFor } from './script.ts';
import { scriptedStats, type ScriptedStats } from './scripted-stats.ts';
import { seededRandom } from './seeded-random.ts';

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
  /** Times in which every call goes wrong, whatever its share says; a saying's own fault goes before. @defaultValue none */
  readonly storms?: readonly ScriptedStorm[];
  /** @defaultValue everything but log-probabilities and tools, no limit of context */
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
const names: OptionNames<ScriptedOptions> = {
  name: true,
  seed: true,
  latencyMs: true,
  tokenMs: true,
  faults: true,
  storms: true,
  capabilities: true,
  labels: true,
  rememberPrompts: true,
};
const usual = {
  contextTokens: undefined,
  jsonSchema: true,
  embeddings: true,
  completion: false,
  reranking: false,
  tensors: false,
  tools: false,
  sampling: ['topP', 'topK', 'minP', 'seed'],
  exactTokens: true,
} as const;
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
  checkOptions(options);
  requireInteger('seed', seed, 0);
  requireInteger('rememberPrompts', rememberPrompts, 1);
  const { stats, counter } = scriptedStats(rememberPrompts, (prompt: Prompt) => textOf(turnsOf(prompt)));
  const capabilities: ModelCapabilities = { ...usual, logProbabilities: labels !== undefined, ...options.capabilities };
  const serve = <T>(turns: readonly ChatTurn[], chat: ChatOptions, make: (call: ScriptedCall) => Play<T>): Observable<T> =>
    defer(() => {
      const { clock } = currentScope();
      const text = textOf(turns);
      const { nth, ended } = counter.begin(text);
      const call: ScriptedCall = { turns, text, nth, options: chat, random: seededRandom(seed, text, nth), nowMs: clock.nowMs() };
      let outcome: 'completed' | 'failed' | 'aborted' = 'aborted';
      return defer(() => play(make(call), clock)).pipe(
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

function checkOptions(options: ScriptedOptions): void {
  requireOptions('scripted', options, names);
  const { latencyMs = 0, tokenMs = 0, faults = [], storms = [] } = options;
  const { min, max } = typeof latencyMs === 'number' ? { min: latencyMs, max: latencyMs } : latencyMs;
  requireNumber('latencyMs', min, 0);
  requireNumber('latencyMs.max', max, min);
  requireNumber('tokenMs', tokenMs, 0);
  for (const { share } of faults) requireNumber('faults.share', share, 0, 1);
  for (const { fromMs, toMs } of storms) {
    requireNumber('storms.fromMs', fromMs, 0);
    requireNumber('storms.toMs', toMs, fromMs);
  }
  const sum = faults.reduce((total, { share }) => total + share, 0);
  if (sum > 1 + 1e-9) throw new OptionError(`the shares of all faults must be at most 1 together, got ${String(sum)}`);
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
