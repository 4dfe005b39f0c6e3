import { messageOf } from '../../errors.ts';
import type { MeasuredEngine } from '../engine-gate-options.ts';
import type { EngineLoad } from '../engine-gate.state.ts';
import { labelsOf, metricSamples } from './metric-samples.ts';

interface Names {
  readonly running: string;
  readonly waiting: string;
  /** The first one that is there. */
  readonly kvUse: readonly string[];
  /** What to do when it tells nothing of these. */
  readonly hint: string;
}

/**
 * @see https://docs.vllm.ai/en/latest/usage/metrics.html (`gpu_cache_usage_perc` until 0.10)
 * @see https://docs.sglang.io/references/production_metrics.html
 * @see https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (the cache's use was told until 2025)
 */
const namesOf: Readonly<Record<MeasuredEngine, Names>> = {
  vllm: {
    running: 'vllm:num_requests_running',
    waiting: 'vllm:num_requests_waiting',
    kvUse: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
    hint: 'is it vLLM, without --disable-log-stats?',
  },
  sglang: {
    running: 'sglang:num_running_reqs',
    waiting: 'sglang:num_queue_reqs',
    kvUse: ['sglang:token_usage'],
    hint: 'is it SGLang, with --enable-metrics?',
  },
  'llama-server': {
    running: 'llamacpp:requests_processing',
    waiting: 'llamacpp:requests_deferred',
    kvUse: ['llamacpp:kv_cache_usage_ratio'],
    hint: 'is it llama-server, with --metrics?',
  },
};

const mostBytes = 4 * 1024 * 1024; // vLLM tells about 100 kB
/** Of SGLang's schedulers that work on the same requests, each may tell of them. */
const ranksOfOne = new Set(['tp_rank', 'pp_rank', 'moe_ep_rank']);

/**
 * What an engine's metrics say. Of several engines, models or data-parallel ranks requests are added up; of ranks that work on the same requests the
 * one that tells most counts, and of all caches the fullest. @throws Error for a text without the numbers of requests, or with one that is no number: what
 * is not known of one part must not pass for nothing.
 */
export function readEngineMetrics(text: string, engine: MeasuredEngine): EngineLoad {
  const names = namesOf[engine];
  const values = new Map<string, Map<string, number>>();
  for (const { name, labels, value } of metricSamples(text, new Set([names.running, names.waiting, ...names.kvUse]))) {
    const byPart = values.get(name) ?? new Map<string, number>();
    const part = engine === 'sglang' ? partOf(labelsOf(labels)) : String(byPart.size);
    if (part !== undefined) values.set(name, byPart.set(part, Math.max(value, byPart.get(part) ?? 0))); // NaN if either is
  }
  const sumOf = (name: string): number => {
    const byPart = values.get(name);
    const sum = byPart && [...byPart.values()].reduce((all, one) => all + one, 0);
    if (sum !== undefined && !Number.isNaN(sum)) return sum;
    const got = sum === undefined ? 'none' : 'one that is no number';
    throw new Error(`expected ${name} among the metrics of ${engine}, got ${got}; ${names.hint}`);
  };
  return { running: sumOf(names.running), waiting: sumOf(names.waiting), ...cacheOf(values, engine) };
}

/** What series that tell of the same requests have in common; undefined for one that tells only of some of another's. */
function partOf(labels: ReadonlyMap<string, string>): string | undefined {
  if ((labels.get('priority') ?? '') !== '') return undefined; // the series without one is the sum
  return JSON.stringify([...labels].filter(([name]) => !ranksOfOne.has(name)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function cacheOf(values: ReadonlyMap<string, ReadonlyMap<string, number>>, engine: MeasuredEngine): Pick<EngineLoad, 'kvUse'> {
  const name = namesOf[engine].kvUse.find((one) => values.has(one));
  if (name === undefined) return {};
  const kvUse = [...(values.get(name)?.values() ?? [])].reduce((most, one) => Math.max(most, one), 0);
  if (!Number.isNaN(kvUse)) return { kvUse };
  if (engine === 'llama-server') return {}; // divides by the context that was asked for, which is 0 with -c 0
  throw new Error(`expected ${name} of ${engine} from 0 to 1, got one that is no number`);
}

export interface MetricsAddress {
  readonly url: string;
  readonly engine: MeasuredEngine;
  readonly apiKey: string | undefined;
}

/** Asks an engine for its metrics. @throws Error that says what is wrong, without credentials. */
export async function fetchEngineLoad({ url, engine, apiKey }: MetricsAddress, signal: AbortSignal): Promise<EngineLoad> {
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const response = await fetch(url, { signal, headers, redirect: 'error' }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`cannot reach ${url} (${messageOf(cause)}); is the engine running?`);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`expected status 200 from ${url}, got ${String(response.status)}; ${namesOf[engine].hint}`);
  }
  return readEngineMetrics(await boundedText(response, url), engine);
}

async function boundedText({ body }: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw new Error(`expected at most ${String(mostBytes)} bytes of metrics from ${url}, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
