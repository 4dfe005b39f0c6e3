import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { readLoad, requirePlace, writeLoad } from '../../src/load/load-files.ts';
import { loadLines } from '../../src/load/load-lines.ts';
import { type LoadOptions, loadPlan } from '../../src/load/load-plan.ts';
import { watchLoop } from '../../src/load/loop-watch.ts';
import { press } from '../../src/load/press.ts';
import { ownPrompts, promptOrder, readPrompts } from '../../src/load/prompts.ts';
import { servedModelName } from '../../src/load/served-model-name.ts';
import { startOpenAiServer } from '../helpers/openai-server.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'millrace-load-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

async function pressed(options: LoadOptions, more: Partial<Parameters<typeof press>[0]> = {}) {
  const server = await startOpenAiServer({
    tokenMs: 2,
    reply: (_, nth) => (nth % 5 === 0 ? { status: 500, body: { error: 'no' } } : { tokens: ['a', 'b', 'c'] }),
  });
  onTestFinished(() => server.close());
  const plan = loadPlan({ url: server.url, ...options });
  const report = await press({
    ...{ plan, prompts: ownPrompts, promptsFrom: 'here', clock: systemClock, signal: new AbortController().signal },
    ...more,
  });
  return { report, server };
}

describe('press', () => {
  it('measures a target, writes a line a task, and a report that is read again', async () => {
    const at = await folder();
    const gpus = [{ index: '0', use: 0.5, memoryUsedBytes: 2 ** 30, memoryTotalBytes: 2 ** 32 }];
    const { report, server } = await pressed(
      { queues: 4, loops: 5, users: 3 },
      { log: join(at, 'tasks.jsonl'), gpus: () => Promise.resolve(gpus) },
    );
    expect([server.requests.length, server.maxRunning]).toEqual([20, 4]);
    expect(report).toMatchObject({
      tasks: { completed: 16, failed: 4 },
      causes: [{ cause: 'status 500', count: 4 }],
      gpus: [{ index: '0', useMean: 0.5, memoryMaxBytes: 2 ** 30 }],
    });
    const rows = (await readFile(join(at, 'tasks.jsonl'), 'utf8')).trimEnd().split('\n');
    const read = rows.map(
      (row) => JSON.parse(row) as { queue: number; number: number; user: string; start: number; end: number; cause: string | null },
    );
    expect(read.map(({ number }) => number).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(read.filter(({ cause }) => cause === 'status 500')).toHaveLength(4);
    expect(read.every(({ queue, user, start, end }) => queue >= 1 && queue <= 4 && /^user-[123]$/.test(user) && end > start)).toBe(true);
    expect(loadLines(report).join('\n')).toMatch(
      /16 completed, 4 failed.*\n {2}4 × status 500: .*\nQPS .*\nGPU 0: use 50 % mean.*1\.0 GiB of 4\.0 GiB/,
    );

    for (const place of [join(at, 'out'), join(at, 'deep/one.json')]) {
      const { json, html } = await writeLoad(place, report);
      expect([await readLoad(place), await readLoad(json)]).toMatchObject([{ tasks: report.tasks }, { tasks: report.tasks }]);
      expect(await readFile(html, 'utf8')).toContain('Load on ');
    }
    await expect(readLoad(join(at, 'tasks.jsonl'))).rejects.toThrow(/cannot read a load report/);
    await expect(requirePlace(join(at, 'tasks.jsonl/x'))).rejects.toThrow(/--out must name a folder that can be written/);
    const edited = join(at, 'edited.json');
    await writeFile(edited, JSON.stringify({ ...report, samples: { latencyMs: report.samples.latencyMs } }));
    await expect(readLoad(edited)).rejects.toThrow(/edited\.json is not as millrace load --out wrote it: samples\.firstTokenMs: /);
    await expect(pressed({ tasks: 1 }, { log: join(at, 'none/x') })).rejects.toThrow(/cannot write the log of tasks/);
  });

  it('counts the lines of its log that a full disk has not taken, and says so', async () => {
    const { report } = await pressed({ tasks: 10 }, { log: '/dev/full' });
    expect(report.remarks).toContainEqual(expect.stringMatching(/^10 lines of the log were lost: ENOSPC/));
  });

  it('bears a thousand users at once', async () => {
    const server = await startOpenAiServer({ latencyMs: 300, reply: () => ({ tokens: ['a', 'b'] }) });
    onTestFinished(() => server.close());
    const { tasks } = await press({
      ...{ plan: loadPlan({ url: server.url, users: 1_000, loops: 1 }), prompts: ownPrompts, promptsFrom: 'here' },
      ...{ clock: systemClock, signal: new AbortController().signal },
    });
    expect([tasks.completed, tasks.failed]).toEqual([1_000, 0]);
    expect(server.maxRunning).toBeGreaterThan(500);
  });

  it('asks the target which model it has, until it is stopped', async () => {
    const stop = new AbortController();
    const server = createServer((request, response) => {
      const isAsked = request.url === '/v1/models' && request.headers.authorization === 'Bearer k';
      if (request.headers.authorization === 'Bearer stop') stop.abort();
      else response.end(isAsked ? '{"data":[{"id":"first"},{"id":"second"}]}' : '{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const plan = loadPlan({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1/completions?x=1` });
    expect(await servedModelName(plan, 'k', systemClock)).toBe('first');
    expect(await servedModelName(plan, 'stop', virtualClock(0), stop.signal)).toBeUndefined(); // in no time
    expect(await servedModelName(plan, undefined, systemClock)).toBeUndefined();
    expect(await servedModelName(loadPlan({ url: 'http://127.0.0.1:1' }), undefined, systemClock)).toBeUndefined();
  });
});

describe('the generator', () => {
  it('tells how late its own loop was, and what it took of a core', async () => {
    const clock = virtualClock();
    let lateMs = 0;
    const late = { nowMs: () => clock.nowMs() + lateMs, schedule: clock.schedule };
    let cpuUs = 0;
    const stop = watchLoop(late, () => cpuUs);
    await clock.advance(100);
    lateMs = 70; // the loop stood still
    await clock.advance(20);
    cpuUs = 95_000;
    const { loopDelayMs, cpuShare } = stop();
    expect([loopDelayMs?.max, cpuShare]).toEqual([70, 0.5]);
    await clock.runUntilIdle(); // no timer is left
  });
});

describe('prompts', () => {
  it('are lines of text, or of JSON', async () => {
    const path = join(await folder(), 'p.txt');
    await writeFile(path, 'hello {you}\n\n{"prompt": "a"}\r\n{"messages": [{"role": "user", "content": "b"}]}\n{"body": {"input": 1}}\n');
    expect(await readPrompts(path)).toEqual([
      { prompt: 'hello {you}' },
      { prompt: 'a' },
      { messages: [{ role: 'user', content: 'b' }] },
      { body: { input: 1 } },
    ]);
  });

  it.each([
    ['hello\n{"a": 1}', /p\.txt:2: expected prompt/],
    ['{oops', /p\.txt:1: it begins like JSON and is none/],
    ['\n', /has no prompts/],
  ])('%j is refused', async (text, message) => {
    const path = join(await folder(), 'p.txt');
    await writeFile(path, text);
    await expect(readPrompts(path)).rejects.toThrow(message);
  });

  it('come each once before any comes again, in an order that the seed decides', () => {
    const prompts = Array.from({ length: 20 }, (_, index) => ({ prompt: String(index) }));
    const order = (seed: number) => {
      const promptOf = promptOrder(prompts, seed);
      return Array.from({ length: 40 }, (_, index) => JSON.stringify(promptOf(index + 1)));
    };
    expect(new Set(order(1).slice(0, 20)).size).toBe(20);
    expect(new Set(order(1).slice(20)).size).toBe(20);
    expect(order(1).slice(20)).not.toEqual(order(1).slice(0, 20));
    expect(order(1)).toEqual(order(1));
    expect(order(2)).not.toEqual(order(1));
  });
});
