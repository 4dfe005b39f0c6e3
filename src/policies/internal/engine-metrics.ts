import { messageOf } from '../../errors.ts';
import type { MeasuredEngine } from '../engine-gate-options.ts';
import type { EngineLoad } from '../engine-gate.state.ts';

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
const sample = /^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)/;

/**
 * What an engine's metrics say. Of an engine in several ranks or with several models, requests are added up and the fullest cache
 * counts. @throws Error for a text without the numbers of requests.
 */
export function readEngineMetrics(text: string, engine: MeasuredEngine): EngineLoad {
  const { running, waiting, kvUse, hint } = namesOf[engine];
  const values = new Map<string, number[]>();
  for (const line of text.split('\n')) {
    const [, name, value] = sample.exec(line.trim()) ?? [];
    if (name === undefined || (name !== running && name !== waiting && !kvUse.includes(name))) continue;
    const number = Number(value);
    if (Number.isFinite(number) && number >= 0) values.set(name, [...(values.get(name) ?? []), number]);
  }
  const sumOf = (name: string): number => {
    const all = values.get(name);
    if (all === undefined) throw new Error(`expected ${name} among the metrics of ${engine}, got none; ${hint}`);
    return all.reduce((sum, one) => sum + one, 0);
  };
  const cache = kvUse.map((name) => values.get(name)).find((all) => all !== undefined);
  return { running: sumOf(running), waiting: sumOf(waiting), ...(cache && { kvUse: Math.max(...cache) }) };
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
