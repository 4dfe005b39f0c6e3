import { InferenceError } from '../../errors.ts';
import type { ChatChunk, ChatTurn, ToolCall, Usage } from '../model.ts';
import { faultError, type ScriptedFault, type ScriptedStorm } from './fault.ts';
import type { Play } from './play.ts';
import type { Circumstances, ScriptedCall } from './script.ts';

/** Times and faults, as `ScriptedOptions` names them. */
export interface Timing {
  readonly latencyMs?: number | { readonly min: number; readonly max: number };
  readonly tokenMs?: number;
  readonly faults?: readonly { readonly share: number; readonly fault: ScriptedFault }[];
  readonly storms?: readonly ScriptedStorm[];
}

/** Up to 8 characters of a word, with the white space before it. */
export const tokensOf = (text: string): readonly string[] => text.match(/\s*\S{1,8}|\s+$/gu) ?? [];
export const usageOf = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  cachedTokens: 0,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});
/** The tokens of a prompt. */
export const countOf = (turns: readonly ChatTurn[]): number => turns.reduce((sum, { content }) => sum + tokensOf(content).length, 0);

function delayOf({ latencyMs = 0 }: Timing, random: () => number): number {
  const draw = random(); // drawn always, so that faults do not depend on how latency is given
  return typeof latencyMs === 'number' ? latencyMs : latencyMs.min + draw * (latencyMs.max - latencyMs.min);
}

function faultFor({ faults = [], storms = [] }: Timing, { random, nowMs }: ScriptedCall): ScriptedFault | undefined {
  let left = random();
  const storm = storms.find(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs);
  if (storm) return storm.fault;
  return faults.find(({ share }) => {
    left -= share;
    return left < 0;
  })?.fault;
}

/** One value after the latency, unless a fault befalls it. */
export function oncePlay<T>(call: ScriptedCall, options: Timing, value: T): Play<T> {
  const delayMs = delayOf(options, call.random);
  const fault = faultFor(options, call);
  const error = fault === undefined ? undefined : faultError(fault);
  if (error !== undefined) return { pieces: [], end: error, endAfterMs: delayMs };
  if (fault?.kind === 'hang') return { pieces: [], end: 'hang', endAfterMs: 0 };
  return { pieces: [{ afterMs: delayMs, value }], end: 'complete', endAfterMs: 0 };
}

/** An answer, a token a piece, as saying, options and faults have it. */
export function chatPlay(
  call: ScriptedCall,
  saying: Circumstances,
  options: Timing,
  contextTokens: number | undefined,
  name: string,
): Play<ChatChunk> {
  const { maxTokens = 512, stop = [] } = call.options;
  const drawnMs = delayOf(options, call.random);
  const drawnFault = faultFor(options, call);
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
  const all: readonly Pick<ChatChunk, 'text' | 'toolCalls'>[] = [
    ...said.map((piece) => ({ text: piece })),
    ...(call.options.tools === undefined ? [] : (saying.toolCalls ?? []).flatMap(callPieces)),
  ];
  const told = fault?.kind === 'cut' ? all.slice(0, fault.afterTokens ?? 1) : all.slice(0, maxTokens);
  const pieces = told.map((piece, index) => ({ afterMs: index === 0 ? latencyMs : tokenMs, value: { ...piece, index, tokenCount: 1 } }));
  if (fault?.kind === 'cut') {
    return {
      pieces,
      end: new InferenceError('model_failed', 'scripted: the stream was cut'),
      endAfterMs: pieces.length === 0 ? latencyMs : tokenMs,
    };
  }
  const finishReason = saying.finishReason ?? (all.length > maxTokens ? 'length' : 'stop');
  const last = { text: '', index: told.length, tokenCount: 0, usage: usageOf(inputTokens, told.length), finishReason, model: name };
  return { pieces: [...pieces, { afterMs: pieces.length === 0 ? latencyMs : 0, value: last }], end: 'complete', endAfterMs: 0 };
}

/** A call's name, then its arguments a token a piece. */
const callPieces = ({ id, name, arguments: args }: ToolCall, index: number): readonly Pick<ChatChunk, 'text' | 'toolCalls'>[] => [
  { text: '', toolCalls: [{ index, id, name, arguments: '' }] },
  ...tokensOf(args).map((piece) => ({ text: '', toolCalls: [{ index, arguments: piece }] })),
];

function shortened(text: string, stop: readonly string[], fault: ScriptedFault | undefined): string {
  const ends = stop.map((one) => text.indexOf(one)).filter((at) => at >= 0);
  const stopped = text.slice(0, Math.min(text.length, ...ends));
  return fault?.kind === 'bad-json' ? stopped.slice(0, Math.ceil((stopped.length * 2) / 3) - 1) : stopped;
}
