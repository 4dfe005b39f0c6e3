import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { MeasuredEngine } from '../../../src/policies/engine-gate-options.ts';
import { fetchEngineLoad, readEngineMetrics } from '../../../src/policies/internal/engine-metrics.ts';

const vllm = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a {curly} \\"name\\""} 12.0
vllm:num_requests_running{engine="1",model_name="a"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a"} 2.0
vllm:num_requests_waiting{engine="1",model_name="a"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 9.0
vllm:kv_cache_usage_perc{engine="0",model_name="a"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="a"} 0.5
vllm:time_to_first_token_seconds_bucket{le="+Inf",model_name="a"} 4.0
`;

/** Two data-parallel ranks, each of two tensor-parallel ones that tell of the same requests. */
const parallel = [0, 1]
  .flatMap((dp) =>
    [0, 1].map((tp) => ({ dp, tp, labels: `moe_ep_rank="${String(tp)}",dp_rank="${String(dp)}",tp_rank="${String(2 * dp + tp)}"` })),
  )
  .flatMap(({ dp, tp, labels }) => [
    `sglang:num_running_reqs{model_name="m",engine_type="unified",pp_rank="0",${labels}} ${String(dp === 0 ? 5 : 3)}.0`,
    `sglang:num_queue_reqs{${labels},engine_type="unified",model_name="m"} ${String(tp === 0 ? 2 : 1)}.0`,
    `sglang:token_usage{${labels}} 0.${String(7 - dp - tp)}`,
  ])
  .join('\n');

const byPriority = ['', '0', '7']
  .map((priority, at) => `sglang:num_running_reqs{tp_rank="0",priority="${priority}"} ${String([3, 2, 1][at])}`)
  .concat('sglang:num_queue_reqs{tp_rank="0",priority=""} 5', 'sglang:num_queue_reqs{tp_rank="0",priority="7"} 5')
  .join('\n');

describe('readEngineMetrics', () => {
  it.each<{ engine: MeasuredEngine; text: string; load: object }>([
    { engine: 'vllm', text: vllm, load: { running: 15, waiting: 3, kvUse: 0.5 } },
    {
      engine: 'vllm',
      text: 'vllm:num_requests_running 1\r\nvllm:num_requests_waiting 0\r\nvllm:gpu_cache_usage_perc 1e-1\r\n',
      load: { running: 1, waiting: 0, kvUse: 0.1 },
    },
    {
      engine: 'sglang',
      text: 'sglang:num_running_reqs{model_name="m"} 8\nsglang:num_queue_reqs{model_name="m"} 4 1700000000000\nsglang:token_usage{model_name="m"} 0.52',
      load: { running: 8, waiting: 4, kvUse: 0.52 },
    },
    { engine: 'llama-server', text: 'llamacpp:requests_processing 4\nllamacpp:requests_deferred 46\n', load: { running: 4, waiting: 46 } },
    {
      engine: 'llama-server',
      text: 'llamacpp:requests_processing 4\nllamacpp:requests_deferred 0\nllamacpp:kv_cache_usage_ratio NaN\n',
      load: { running: 4, waiting: 0 },
    },
    { engine: 'sglang', text: parallel, load: { running: 8, waiting: 4, kvUse: 0.7 } },
    { engine: 'sglang', text: byPriority, load: { running: 3, waiting: 5 } },
    {
      engine: 'vllm',
      text: 'vllm:num_requests_running{model_name="a",x="} 9"} 1 # {trace_id="t"} 7.0\nvllm:num_requests_waiting {model_name="a",} 2\n',
      load: { running: 1, waiting: 2 },
    },
    {
      engine: 'vllm',
      text: 'vllm:num_requests_running{model_name="a"} 1\nvllm:num_requests_running{model_name="b"} 2\nvllm:num_requests_waiting 0',
      load: { running: 3, waiting: 0 },
    },
  ])('reads $engine (case %#)', ({ engine, text, load }) => {
    expect(readEngineMetrics(text, engine)).toEqual(load);
  });

  it.each([
    ['sglang', vllm, 'expected sglang:num_running_reqs among the metrics of sglang, got none; is it SGLang, with --enable-metrics?'],
    ['vllm', 'vllm:num_requests_running 1', 'expected vllm:num_requests_waiting'],
    ['vllm', 'vllm:num_requests_running NaN\nvllm:num_requests_waiting 1', 'expected vllm:num_requests_running'],
    ['llama-server', '', '--metrics'],
    ['vllm', '# nothing\n\n\n', 'got none'],
    [
      'vllm',
      vllm.replace('"a"} 3.0', '"a"} NaN'),
      'expected vllm:num_requests_running among the metrics of vllm, got one that is no number',
    ],
    ['vllm', vllm.replace('"a"} 1.0', '"a"} -1'), 'expected vllm:num_requests_waiting'],
    ['vllm', vllm.replace('"a"} 1.0', '"a"} +Inf'), 'expected vllm:num_requests_waiting'],
    ['vllm', vllm.replace('"a"} 0.5', '"a"} NaN'), 'expected vllm:kv_cache_usage_perc'],
    ['sglang', parallel.replace('2.0', 'NaN'), 'expected sglang:num_queue_reqs'],
    ['vllm', vllm.slice(0, vllm.indexOf('"} 3.0')), 'expected vllm:num_requests_running'],
    ['vllm', `vllm:num_requests_waiting 1\nvllm:num_requests_running`, 'expected vllm:num_requests_running'],
    ['llama-server', vllm, 'expected llamacpp:requests_processing'],
  ] as const)('says what is missing of %s (case %#)', (engine, text, message) => {
    expect(() => readEngineMetrics(text, engine)).toThrow(message);
  });
});

describe('a page of 4 MB', () => {
  it.each<{ engine: MeasuredEngine; what: string; page: (lines: number) => string; running: number }>([
    {
      engine: 'vllm',
      what: 'many series',
      page: (lines) => `vllm:num_requests_waiting 0\n${'vllm:num_requests_running{e="1"} 1\n'.repeat(lines)}`,
      running: 100_000,
    },
    {
      engine: 'sglang',
      what: 'many series',
      page: (lines) =>
        `sglang:num_queue_reqs 0\n${Array.from({ length: lines / 2 }, (_, n) => `sglang:num_running_reqs{tp_rank="0",dp_rank="${String(n)}"} 1`).join('\n')}`,
      running: 50_000,
    },
    {
      engine: 'vllm',
      what: 'empty lines',
      page: (lines) => `${'\n'.repeat(40 * lines)}vllm:num_requests_waiting 0\nvllm:num_requests_running 1`,
      running: 1,
    },
  ])('of $what is read in time in proportion ($engine)', ({ engine, page, running }) => {
    const text = page(100_000);
    const begun = process.cpuUsage().user;
    expect(readEngineMetrics(text, engine).running).toBe(running);
    expect((process.cpuUsage().user - begun) / 1000).toBeLessThan(5_000); // minutes, when each series was copied with those before it
  });

  it('of one line fails, and does not hang', () => {
    const labels = Array.from({ length: 100_000 }, (_, n) => `l${String(n)}="${'x'.repeat(30)}"`).join(',');
    expect(() => readEngineMetrics(`vllm:num_requests_running{${labels}`, 'vllm')).toThrow('got one that is no number');
  });
});

describe('fetchEngineLoad', () => {
  it('asks a server, with its key, and says what is wrong with it', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization);
      if (request.url === '/metrics') response.end(vllm);
      else if (request.url === '/long') response.end('x'.repeat(4 * 1024 * 1024 + 1));
      else if (request.url === '/away') response.writeHead(302, { location: '/metrics' }).end();
      else response.writeHead(501).end('This server does not support metrics endpoint.');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const { signal } = new AbortController();
    const ask = (path: string, apiKey?: string): Promise<unknown> =>
      fetchEngineLoad({ url: `${base}${path}`, engine: 'vllm', apiKey }, signal);
    await expect(ask('/metrics')).resolves.toEqual({ running: 15, waiting: 3, kvUse: 0.5 });
    await expect(ask('/metrics', 'sk-1')).resolves.toBeDefined();
    expect(asked).toEqual([undefined, 'Bearer sk-1']);
    await expect(ask('/nowhere')).rejects.toThrow(/expected status 200 from .*nowhere, got 501/);
    await expect(ask('/long')).rejects.toThrow('expected at most');
    await expect(ask('/away', 'sk-1')).rejects.toThrow('cannot reach');
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
    await expect(ask('/metrics', 'sk-1')).rejects.toThrow(/^cannot reach .*; is the engine running\?$/);
  });
});
