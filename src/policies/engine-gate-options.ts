import { type OptionNames, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf } from '../errors.ts';
import type { Model } from '../inference/model.ts';
import type { Resource } from '../resource.ts';
import type { EngineLoad } from './engine-gate.state.ts';

/** Engines that tell of themselves at `/metrics`, in Prometheus' text format. */
export type MeasuredEngine = 'vllm' | 'sglang' | 'llama-server';

/** Who is asked. */
export type EngineSource =
  /** A server: its address, with or without `/v1` or `/metrics`. `apiKey` where its metrics ask for one. */
  | { readonly engine: MeasuredEngine; readonly url: string; readonly apiKey?: string }
  /** The model in this machine; the same resource that the pipeline uses. */
  | { readonly engine: 'llama'; readonly model: Resource<Model> }
  /** Anything else that can tell. A rejection counts as no answer. */
  | { readonly engine: 'other'; readonly read: (signal: AbortSignal) => Promise<EngineLoad> };

export type EngineGateOptions = EngineSource & {
  /** How many requests may wait inside the engine before nothing is let through; at least 1. @defaultValue 4 */
  readonly maxWaiting?: number;
  /** The share of the KV cache from which less is let through, and the one at which nothing is; 0 to 1. @defaultValue 0.8 and 0.95 */
  readonly kvUse?: { readonly from: number; readonly to: number };
  /** Requests that the engine works on at once, where it does not tell (`--max-num-seqs`, `--parallel`). @defaultValue as it tells, if it does */
  readonly slots?: number;
  /** Between two questions, in ms, give or take 10 %; more than 0. @defaultValue 500 */
  readonly pollMs?: number;
  /** Without an answer for so long nothing is let through, in ms; more than `pollMs`. @defaultValue 3 × pollMs */
  readonly staleMs?: number;
  /** From closed to fully open, in ms, give or take half of it; more than 0. @defaultValue 5,000 */
  readonly reopenMs?: number;
};

const names: OptionNames<
  Record<'engine' | 'url' | 'apiKey' | 'model' | 'read' | 'maxWaiting' | 'kvUse' | 'slots' | 'pollMs' | 'staleMs' | 'reopenMs', unknown>
> = {
  ...{ engine: true, url: true, apiKey: true, model: true, read: true },
  ...{ maxWaiting: true, kvUse: true, slots: true, pollMs: true, staleMs: true, reopenMs: true },
};

/** @throws OptionError for an option outside its range. */
export function resolveEngineGateOptions(options: EngineGateOptions) {
  requireOptions<Partial<Record<keyof typeof names, unknown>>>('engineGate', options, names);
  requireOneOf('engineGate.engine', options.engine, ['vllm', 'sglang', 'llama-server', 'llama', 'other']);
  const { maxWaiting = 4, kvUse = { from: 0.8, to: 0.95 }, slots, pollMs = 500, reopenMs = 5_000 } = options;
  const { staleMs = 3 * pollMs } = options;
  requireInteger('engineGate.maxWaiting', maxWaiting, 1);
  requireNumber('engineGate.kvUse.from', kvUse.from, 0, 1);
  requireNumber('engineGate.kvUse.to', kvUse.to, 0, 1);
  if (kvUse.to <= kvUse.from) throw new OptionError(`engineGate.kvUse.to must be > from (${String(kvUse.from)}), got ${String(kvUse.to)}`);
  if (slots !== undefined) requireInteger('engineGate.slots', slots, 1);
  requireNumber('engineGate.pollMs', pollMs, Number.MIN_VALUE);
  requireNumber('engineGate.staleMs', staleMs, pollMs);
  requireNumber('engineGate.reopenMs', reopenMs, Number.MIN_VALUE);
  return { maxWaiting, kvFrom: kvUse.from, kvTo: kvUse.to, slots, pollMs, staleMs, reopenMs };
}
