import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NEVER, Observable, of } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { mapConcurrent, withGate, withPermit } from '../../operators/index.ts';
import { currentScope } from '../../src/call.ts';
import { InferenceError } from '../../src/errors.ts';
import { definePipeline, topic } from '../../src/pipeline.ts';
import { json } from '../../src/codec/json.ts';
import { engineGate } from '../../src/policies/engine-gate.ts';
import { permits } from '../../src/policies/permits.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { start } from '../../src/runtime/start.ts';
import { metricSpecs } from '../../src/serve/metrics.ts';
import { snapshotHeader, refusal } from '../../src/serve/heap-snapshot.ts';
import { serveHttp } from '../../src/serve/serve-http.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

/** A call that a policy of somebody else's holds back. */
const held = <T>(call: Observable<T>, reason: string): Observable<T> =>
  new Observable((out) => {
    const scope = currentScope();
    scope.hold(reason, scope.clock.nowMs() + 120_000);
    out.add(scope.suspend(reason));
    out.add(call.subscribe(out));
  });

async function served() {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock });
  await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
  const pipeline = definePipeline({
    name: 'p',
    input: topic('in', json()),
    output: topic('out', json()),
    deadLetter: topic('dead'),
    resources: { slots: permits(3) },
    process: (source) =>
      source.pipe(
        mapConcurrent(
          (value) => {
            if (value === 'bad') throw new InferenceError('model_rejected', 'payload-of-somebody sk-secret-0123456789abcdef');
            return value === 'hangs' ? NEVER : of(value);
          },
          { concurrency: 1 },
        ),
      ),
  });
  const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
  for (const value of ['payload-of-somebody', 'bad', 'hangs', 'waits'])
    transport.broker.append('in', 0, [{ key: Buffer.from(value), value: Buffer.from(JSON.stringify(value)), headers: [] }]);
  await clock.advance(3_000);
  const service = await serveHttp(app, { port: 0, clock });
  toClose.push(async () => {
    await service.close();
    const drained = app.drain({ deadlineMs: 0 });
    await clock.advance(5_000);
    await drained;
  });
  return { app, service, clock, get: (path: string, init?: RequestInit) => fetch(`${service.url}${path}`, init) };
}

describe('serveHttp', () => {
  it('tells the metrics of a pipeline and its process', async () => {
    const { get } = await served();
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toMatch('text/plain; version=0.0.4');
    const text = await response.text();
    const lines = [
      'millrace_records_total{outcome="done",pipeline="p"} 1',
      'millrace_records_total{outcome="failed",pipeline="p"} 1',
      'millrace_record_failures_total{code="project_threw",pipeline="p"} 1',
      'millrace_records_in_flight{stage="waiting",pipeline="p"} 1',
      'millrace_records_in_flight{stage="working",pipeline="p"} 1',
      'millrace_records_in_flight{stage="handed",pipeline="p"} 0',
      'millrace_first_calls_total{pipeline="p"} 3',
      'millrace_policy_limit{policy="slots",kind="permits",pipeline="p"} 3',
      'millrace_lag_records{pipeline="p"} 2',
      'millrace_pipeline_state{pipeline="p",state="running"} 1',
      'millrace_pipeline_state{pipeline="p",state="draining"} 0',
      'millrace_intake_ratio{pipeline="p"} 1',
      'millrace_rebalances_total{pipeline="p"} 1',
    ];
    const norm = (line: string): string => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);
    const told = new Set(text.split('\n').map(norm));
    expect(lines.filter((line) => !told.has(norm(line)))).toEqual([]);
    for (const [name, least] of [
      ['millrace_cpu_seconds_total', 0.01],
      ['millrace_resident_memory_bytes', 1e7],
      ['millrace_commits_total', 1],
      ['millrace_watermark_age_seconds', 2.9],
    ] as const)
      expect(Number(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'm').exec(text)?.[1]), name).toBeGreaterThanOrEqual(least);
  });

  it('tells no payload and no secret, whatever it is asked', async () => {
    const { get } = await served();
    for (const path of ['/metrics', '/healthz', '/readyz', '/payload', '/heap-snapshot'])
      expect(await (await get(path)).text(), path).not.toMatch(/payload-of-somebody|sk-secret/);
  });

  it('tells no secret that stands in the words of an engine, a policy or a broker', async () => {
    const clock = virtualClock(1_000_000);
    const transport = memory({ clock });
    await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
    const words = 'cannot reach http://user:hunter2@10.0.0.1/metrics?token=sk-abcdef0123456789';
    const lines: string[] = [];
    const keep = (...line: unknown[]): void => void lines.push(JSON.stringify(line));
    const talkative = { describe: () => ({ name: 'x', kind: 'x', used: 0, limit: 1, waiting: 0, reason: words }) };
    const pipeline = definePipeline({
      name: 'p',
      input: topic('in', json()),
      output: topic('out', json()),
      deadLetter: topic('dead'),
      resources: {
        gate: engineGate({ engine: 'other', read: () => Promise.reject(new Error(words)) }),
        talkative: { name: 'talkative', open: () => Promise.resolve({ value: talkative, close: () => Promise.reject(new Error(words)) }) },
      },
      process: (source, { gate }) => source.pipe(mapConcurrent((value) => held(of(value).pipe(withGate(gate)), words), { concurrency: 4 })),
    });
    const app = await start(pipeline, { transport, clock, log: { debug: keep, info: keep, warn: keep, error: keep }, signals: false });
    for (const n of [1, 2]) transport.broker.append('in', 0, [{ key: Buffer.from('k'), value: Buffer.from(String(n)), headers: [] }]);
    await clock.advance(3_000);
    const service = await serveHttp(app, { port: 0, clock });
    toClose.push(() => service.close());
    const texts = await Promise.all(['/healthz', '/metrics'].map(async (path) => (await fetch(`${service.url}${path}`)).text()));
    expect(texts[0]).toContain('the engine does not say how it is: cannot reach http://[redacted]@10.0.0.1/metrics?token=[redacted]');
    const drained = app.drain({ deadlineMs: 0 });
    await clock.advance(60_000);
    await drained;
    for (const line of ['closing failed', 'the source is held for more than a minute']) expect(lines.join()).toContain(line);
    expect([...texts, ...lines].join()).not.toMatch(/hunter2|sk-abc/);
  });

  it('counts all calls that wait for a policy, by the reason of now', async () => {
    const clock = virtualClock(1_000_000);
    const transport = memory({ clock });
    await transport.createTopics(['in', 'out', 'dead'].map((name) => ({ name })));
    const engine = { isSilent: false };
    const read = () => (engine.isSilent ? Promise.reject(new Error('gone')) : Promise.resolve({ running: 0, waiting: 9, slots: 8 }));
    const pipeline = definePipeline({
      name: 'p',
      input: topic('in', json()),
      output: topic('out', json()),
      deadLetter: topic('dead'),
      ordering: 'none',
      resources: { gate: engineGate({ engine: 'other', read }), slots: permits(2) },
      process: (source, { gate, slots }) =>
        source.pipe(
          mapConcurrent((n) => (Number(n) < 32 ? NEVER.pipe(withPermit(slots)) : NEVER.pipe(withGate(gate))), { concurrency: 64 }),
        ),
    });
    const app = await start(pipeline, { transport, clock, log: silentLog, signals: false });
    for (let n = 0; n < 40; n += 1) transport.broker.append('in', 0, [{ key: null, value: Buffer.from(String(n)), headers: [] }]);
    const service = await serveHttp(app, { port: 0, clock });
    toClose.push(() => service.close());
    const waiting = async (): Promise<unknown> => {
      await clock.advance(10_000);
      return ((await (await fetch(`${service.url}/healthz`)).json()) as { readonly waiting: unknown }).waiting;
    };
    const permitted = { reason: 'all permits are taken', calls: 30 };
    expect(await waiting()).toEqual([permitted, { reason: 'requests wait inside the engine', calls: expect.any(Number) as number }]);
    const calls = app.stats().waits[1]?.calls;
    engine.isSilent = true;
    expect(await waiting()).toEqual([permitted, { reason: 'the engine does not say how it is', calls: expect.any(Number) as number }]);
    expect(app.stats().waits[1]?.calls).toBeGreaterThanOrEqual(Math.max(1, calls ?? 0));
    expect(await (await fetch(`${service.url}/metrics`)).text()).toMatch(/millrace_calls_waiting\{[^}]*all permits are taken[^}]*\} 30/);
    const drained = app.drain({ deadlineMs: 0 });
    await clock.advance(60_000);
    await drained;
  });

  it('is the same at each look: counters do not add up', async () => {
    const { get } = await served();
    const counted = async () =>
      (await (await get('/metrics')).text()).split('\n').filter((line) => line.startsWith('millrace_records_total'));
    expect(await counted()).toEqual(await counted());
  });

  it('says whether it lives and whether it is ready', async () => {
    const { get, app, clock } = await served();
    expect(await (await get('/healthz')).json()).toMatchObject({ status: 'ok', pipeline: 'p', state: 'running', troubles: [] });
    expect((await get('/readyz')).status).toBe(200);
    const drained = app.drain({ deadlineMs: 10_000 });
    expect([(await get('/readyz')).status, (await get('/healthz')).status]).toEqual([503, 200]);
    await clock.advance(20_000);
    await drained;
    expect([(await get('/readyz')).status, (await get('/healthz')).status]).toEqual([503, 503]);
  });

  it.each([
    ['the broker is away', { reconnecting: true }],
    ['nothing moves: windows want more', { stalled: 'nothing moves: windows want more' }],
  ])('is not ready, and says why, while %s', async (why, changed) => {
    const { app } = await served();
    const state = { ...app.stats(), ...changed };
    const service = await serveHttp({ name: 'p', state: 'running', stats: () => state, troubles: () => [] }, { port: 0 });
    toClose.push(() => service.close());
    const ready = await fetch(`${service.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { ready: false, state: 'running', why }]);
  });

  it('answers while the pipeline starts, with what holds it up, and without secrets', async () => {
    const troubles = () => ['waits for a member; password=hunter2hunter2'];
    const service = await serveHttp({ name: 'p', state: 'starting', stats: () => undefined, troubles }, { port: 0 });
    toClose.push(() => service.close());
    const health = await fetch(`${service.url}/healthz`);
    expect([health.status, await health.json()]).toEqual([
      200,
      {
        status: 'trouble',
        pipeline: 'p',
        state: 'starting',
        troubles: ['waits for a member; password=[redacted]'],
        paused: [],
        waiting: [],
        policies: [],
      },
    ]);
    const ready = await fetch(`${service.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, state: 'starting', troubles: ['waits for a member; password=[redacted]'] },
    ]);
    expect(await (await fetch(`${service.url}/metrics`)).text()).toContain('millrace_pipeline_state{pipeline="p",state="starting"} 1');
  });

  it.each([
    ['/nothing', 'GET', 404],
    ['/metrics', 'POST', 405],
    ['/heap-snapshot', 'GET', 405],
    ['/heap-snapshot', 'POST', 403],
    ['/metrics', 'HEAD', 200],
  ])('answers %s by %s with %i', async (path, method, status) => {
    const { get } = await served();
    expect((await get(path, { method })).status).toBe(status);
  });

  it('writes a heap snapshot for whoever asks on this machine, on purpose', { timeout: 120_000 }, async () => {
    const { get } = await served();
    const { path } = (await (await get('/heap-snapshot', { method: 'POST', headers: { [snapshotHeader]: '1' } })).json()) as {
      readonly path: string;
    };
    expect(readFileSync(path, 'utf8').slice(0, 12)).toBe('{"snapshot":');
    await rm(dirname(path), { recursive: true });
  });

  it.each([
    [{ remoteAddress: '10.0.0.7' }, { host: 'localhost:1', [snapshotHeader]: '1' }, /from this machine only/],
    [{ remoteAddress: undefined }, { host: 'localhost:1', [snapshotHeader]: '1' }, /from this machine only/],
    [{ remoteAddress: '127.0.0.1' }, { host: 'evil.example', [snapshotHeader]: '1' }, /ask for it by localhost/],
    [{ remoteAddress: '::ffff:127.0.0.1' }, { host: '127.0.0.1', [snapshotHeader]: '1', 'x-forwarded-for': '1.2.3.4' }, /through a proxy/],
    [{ remoteAddress: '::1' }, { host: '[::1]:1' }, /needs the header/],
    [{ remoteAddress: '::1' }, { host: '[::1]:1', [snapshotHeader]: '1' }, undefined],
  ])('refuses snapshots for %j %j: %s', (socket, headers, why) => {
    const said = refusal({ socket, headers });
    if (why === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(why);
  });

  it('says which port it could not have', async () => {
    const { service } = await served();
    const port = Number(new URL(service.url).port);
    await expect(serveHttp({ name: 'q', state: 'starting', stats: () => undefined }, { port })).rejects.toThrow(
      `cannot listen at 127.0.0.1:${String(port)}`,
    );
  });
});

describe('the page of metrics', () => {
  const page = readFileSync(new URL('../../src/serve/metrics.md', import.meta.url), 'utf8');

  it('lists each metric as it is, and no other', () => {
    const rows = Object.entries(metricSpecs).map(
      ([name, { type, help, labels = [] }]) => `| \`${name}\` | ${type} | ${labels.map((one) => `\`${one}\``).join(', ')} | ${help} |`,
    );
    expect(page.split('\n').filter((line) => line.startsWith('| `millrace_'))).toEqual(rows);
  });

  it.each(Object.entries(metricSpecs))('%s is named by the conventions', (name, { type }) => {
    expect(name).toMatch(/^millrace_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_ms\b|millis|kilobyte|percent/);
  });
});
