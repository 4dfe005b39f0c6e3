import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { metricSpecs } from '../../src/serve/metrics.ts';
import { freePorts } from '../helpers/kafka/node.ts';
import type { ParsedMetrics } from '../helpers/prometheus-text.ts';
import { runCli, startCli } from './run-cli.ts';
import { serveByCli, sum } from './served-cli.ts';

const words = (count: number, word = 'word'): readonly string[] => Array.from({ length: count }, (_, i) => `${word} ${String(i)}`);

/** A folder for `PATH` whose `nvidia-smi` tells of one GPU. */
async function fakeGpu(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-gpu-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'nvidia-smi'), '#!/bin/sh\necho "0, 87, 1024, 81559"\n');
  await chmod(join(folder, 'nvidia-smi'), 0o755);
  return folder;
}

/** What is left to say of a process that has ended. */
const gone = (error: unknown): undefined => {
  if (!(error instanceof TypeError)) throw error; // `fetch` throws one when nobody answers
};

describe('millrace run --http', { timeout: 60_000 }, () => {
  it('tells every documented metric, in the format that Prometheus reads, and they move', async () => {
    const PATH = `${await fakeGpu()}:${process.env['PATH'] ?? ''}`;
    const { feed, metrics, cli } = await serveByCli('everything', ['--drain-deadline-ms', '300', '--max-records-in-flight', '100'], {
      env: { PATH },
    });
    const moved = new Set<string>();
    const look = async (): Promise<ParsedMetrics> => {
      const seen = await metrics();
      expect([...seen.types.keys()]).toEqual(Object.keys(metricSpecs));
      expect([...seen.types.values()]).toEqual(Object.values(metricSpecs).map(({ type }) => type));
      for (const { name, value } of seen.samples) if (value !== 0) moved.add(name);
      return seen;
    };
    const untilSeen = async (name: string): Promise<void> => {
      while (sum(await look(), name) === 0) await wait(20);
    };
    feed(['empty', '{"value":"a word","headers":{"millrace-deadline":"soon"}}', 'boom', 'hang for long', ...words(3_000)]);
    await untilSeen('millrace_policy_paused_seconds');
    await untilSeen('millrace_settled_beyond_records');
    cli.child.kill('SIGTERM');
    while ((await look().catch(gone)) !== undefined) await wait(20);
    const still = Object.keys(metricSpecs).filter((name) => !moved.has(name));
    // these need a stream that breaks, a crash, a registry or a broker that is away
    const elsewhere = ['millrace_restarts_total', 'millrace_completed_before_total', 'millrace_unreadable_partitions', 'millrace_troubles'];
    const moments = ['millrace_calls_aborted_total', 'millrace_outgoing_bytes']; // that a look may miss
    expect(still.filter((name) => !moments.includes(name))).toEqual(elsewhere);
  });

  it('listens at the loopback alone, and tells no secret of a pipeline that fails with them', async () => {
    const { url, feed, get, metrics } = await serveByCli('nothing');
    feed(['boom 1', ...words(10)]);
    while (sum(await metrics(), 'millrace_record_failures_total') === 0) await wait(20);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    for (const path of ['/metrics', '/healthz', '/readyz', '/nothing'])
      expect(await (await get(path)).text(), path).not.toMatch(/of-somebody|sk-secret|user:/);
    const [outside] = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one?.internal === false && one.family === 'IPv4');
    if (outside) await expect(fetch(`http://${outside.address}:${new URL(url).port}/metrics`)).rejects.toThrow();
  });

  it('is not ready before it runs, nor while it drains; it lives meanwhile, and is gone at its end', async () => {
    const { answers, feed, get, metrics, cli } = await serveByCli('starting', ['--drain-deadline-ms', '1500']);
    expect(await (await get('/readyz')).json()).toEqual({ ready: false, state: 'starting' });
    expect((await get('/healthz')).status).toBe(200);
    expect((await metrics()).samples.find(({ labels }) => labels['state'] === 'starting')?.value).toBe(1);
    expect(await answers('/readyz', 200)).toEqual({ ready: true, state: 'running' });
    feed(['hang']);
    while (!(await metrics()).samples.some(({ labels, value }) => labels['stage'] === 'working' && value === 1)) await wait(20);
    cli.child.kill('SIGTERM');
    expect(await answers('/readyz', 503)).toEqual({ ready: false, state: 'draining' });
    expect((await get('/healthz')).status).toBe(200);
    expect((await cli.ended).code).toBe(143);
    await expect(get('/readyz')).rejects.toThrow();
  });

  it('is not ready while the broker is away, and says that it waits for it', async () => {
    const [port = 0] = await freePorts(1);
    const broker = `127.0.0.1:${String(port)}`;
    const { answers, cli } = await serveByCli('nothing', ['--brokers', broker]);
    const health = async (): Promise<{ readonly troubles: readonly string[] }> =>
      (await answers('/healthz', 200)) as { readonly troubles: readonly string[] };
    let told = await health();
    while (told.troubles.length === 0) told = await health();
    expect(told).toMatchObject({ status: 'trouble', state: 'starting', troubles: [expect.stringContaining(`${broker} refused the`)] });
    expect(await answers('/readyz', 503)).toEqual({ ready: false, state: 'starting', troubles: told.troubles });
    cli.child.kill('SIGINT');
    expect((await cli.ended).code).toBe(130);
  });

  it('says which port is taken, and ends', async () => {
    const { url } = await serveByCli('nothing');
    const { port } = new URL(url);
    const { code, stderr } = await runCli(['run', 'test/cli/fixtures/shout.ts', '--input', '-', '--http', port], { input: 'a\n' });
    expect([code, stderr]).toEqual([2, expect.stringMatching(new RegExp(`cannot listen at 127\\.0\\.0\\.1:${port} .*is the port taken`))]);
  });

  it('answers clients that misbehave without harm to others, and leaks nothing over 1,000 looks', async () => {
    const { url, get, metrics, cli } = await serveByCli('nothing');
    const { port, hostname } = new URL(url);
    const slow = Array.from({ length: 50 }, () => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      socket.resume();
      socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ');
      onTestFinished(() => void socket.destroy());
      return socket;
    });
    const statuses = [
      [await get('/metrics', { method: 'HEAD' }), 200],
      [await get('/nothing'), 404],
      [await get('/metrics', { method: 'POST', body: 'x' }), 405],
      [await get('/metrics?name=x'), 200],
      [await get('//evil.example/metrics'), 404],
      [await get('/__proto__'), 404],
    ] as const;
    expect(statuses.map(([{ status }]) => status)).toEqual(statuses.map(([, status]) => status));
    expect(await statuses[0][0].text()).toBe('');
    const descriptors = (): number => Number(spawnSync('sh', ['-c', `ls /proc/${String(cli.child.pid)}/fd | wc -l`]).stdout.toString());
    const looks = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) await metrics();
    };
    await looks(200);
    const [before, heap] = [descriptors(), sum(await metrics(), 'millrace_heap_used_bytes')];
    await looks(1_000);
    const series = (await metrics()).samples.length;
    expect(descriptors()).toBeLessThanOrEqual(before + 2);
    expect(sum(await metrics(), 'millrace_heap_used_bytes')).toBeLessThan(heap + 30e6); // garbage of some scrapes, not a thousand of them
    expect(series).toBeLessThan(100);
    for (const socket of slow) if (!socket.closed) await once(socket, 'close'); // put out after 10 s
  });

  it('answers while the event loop is busy', async () => {
    const { feed, metrics } = await serveByCli('cpu');
    feed(words(2_000));
    while (sum(await metrics(), 'millrace_records_total') === 0);
    for (let i = 0; i < 5; i += 1) expect(sum(await metrics(), 'millrace_records_in_flight')).toBeGreaterThan(0);
    expect((await metrics()).samples.find(({ labels }) => labels['quantile'] === '1' && !('pipeline' in labels))?.value).toBeGreaterThan(
      0.015,
    );
  });
});

describe('millrace diagnose', { timeout: 60_000 }, () => {
  const diagnosed = async (url: string, ...more: readonly string[]): Promise<Record<string, unknown>> => {
    const { code, stdout, stderr } = await runCli(['diagnose', url, '--seconds', '2', '--json', ...more]);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  type Case = readonly [heldUpBy: string, bottleneck: string, evidence: RegExp, NODE_OPTIONS?: string];
  const names = async ([heldUpBy, bottleneck, evidence, NODE_OPTIONS]: Case): Promise<void> => {
    const { url, feed, answers } = await serveByCli(heldUpBy, [], NODE_OPTIONS === undefined ? {} : { env: { NODE_OPTIONS } });
    await answers('/readyz', 200);
    if (heldUpBy !== 'nothing') feed(words(2_000));
    await wait(1_500);
    const found = await diagnosed(url);
    expect({ heldUpBy, ...found }).toMatchObject({ bottleneck, heldUpBy });
    expect(found['evidence']).toContainEqual(expect.stringMatching(evidence));
  };
  const waiting: readonly Case[] = [
    ['nothing', 'source', /nothing comes/],
    ['permits', 'queue', /slots/],
    ['model', 'model', /8\.0 records are in a call/],
    ['budget', 'queue', /budget/],
  ];
  const busy: readonly Case[] = [
    ['cpu', 'cpu', /the event loop had work for (9\d|100) %/],
    ['gc', 'gc', /of the time went into garbage collections/],
    ['memory', 'memory', /memory is short|a hard limit on memory/, '--max-old-space-size=200'],
  ];

  it('tells what a pipeline waits for: input, permits, the model, a budget', () => Promise.all(waiting.map(names)));

  for (const one of busy) it(`tells what keeps the process busy: ${one[0]}`, () => names(one));

  it('a broker that is slow to take what is written', async () => {
    const cli = startCli([], { script: join(import.meta.dirname, 'fixtures/slow-sink.ts') });
    const [, url = ''] = await cli.seen(/(http:\S+)/);
    await wait(1_500);
    expect(await diagnosed(url)).toMatchObject({ bottleneck: 'sink' });
  });

  it('has a heap snapshot written, only when it is asked to', async () => {
    const { url, get } = await serveByCli('nothing');
    expect(await diagnosed(url)).not.toHaveProperty('heapSnapshot');
    expect((await get('/heap-snapshot', { method: 'POST' })).status).toBe(403);
    const { heapSnapshot } = await diagnosed(url, '--heap-snapshot');
    expect(heapSnapshot).toMatch(/\.heapsnapshot$/);
    const path = String(heapSnapshot);
    onTestFinished(() => rm(join(path, '..'), { recursive: true }));
    expect((await readFile(path, 'utf8')).slice(0, 12)).toBe('{"snapshot":');
    expect(spawnSync('stat', ['-c', '%a', path, join(path, '..')]).stdout.toString()).toMatch(/^\d00\n700\n$/);
  });

  it.each([
    ['no URL', 'http://', /expected the URL of millrace run --http/],
    ['another protocol', 'ftp://localhost:1', /expected the URL|does not answer/],
    ['a port where nobody listens', 'http://127.0.0.1:1', /does not answer .*is this its port\?/],
  ])('says what is wrong with %s', async (_, url, says) => {
    const { code, stderr } = await runCli(['diagnose', url]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
  });

  it('says that it is not Millrace that answers, and shows no password of the URL', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nup\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const other = await runCli(['diagnose', `http://127.0.0.1:${String(port)}`]);
    expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/is not of a pipeline of Millrace/)]);
    const secret = await runCli(['diagnose', `http://me:pass-of-somebody@127.0.0.1:${String(port)}`]);
    expect(secret.code).toBe(2);
    expect(secret.stdout + secret.stderr).not.toContain('of-somebody');
  });
});
