import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parallelCommand } from '../../../pipelines/parallel/command.ts';
import { systemClock } from '../../../src/clock.ts';
import type { CommandContext, OpenedTransport } from '../../../src/command.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { startOpenAiServer } from '../../helpers/openai-server.ts';

/** Runs the command in this process, against a server that says "ok". */
async function scene(lines: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-parallel-'));
  const server = await startOpenAiServer();
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const [file, out] = [join(folder, 'tasks.txt'), join(folder, 'out')];
  await writeFile(file, lines.join('\n'));
  const json: unknown[] = [];
  const notes: string[] = [];
  const said: string[] = [];
  const opened: unknown[] = [];
  const transport = memory({ clock: systemClock, partitions: 1 });
  let closed = 0;
  const context = {
    settings: { transport: 'memory', brokers: [], json: true, logLevel: 'silent' },
    out: {
      ...{ isJson: true, isTty: false, width: 80, line: (text: string) => said.push(text), live: () => undefined, table: () => undefined },
      ...{ json: (value: unknown) => json.push(value), note: (text: string) => notes.push(text), drained: () => Promise.resolve() },
    },
    ...{ log: silentLog, clock: systemClock, signal: new AbortController().signal },
    openTransport: (options: unknown): Promise<OpenedTransport> => {
      opened.push(options);
      return Promise.resolve({ transport, where: 'Kafka at a test', close: () => Promise.resolve(void (closed += 1)) });
    },
    pull: () => Promise.reject(new Error('nothing is to be pulled')),
  } as unknown as CommandContext;
  const run = async (options: Readonly<Record<string, unknown>> = {}, path = file): Promise<unknown> =>
    await parallelCommand.run({ options: { model: `${server.url}#m`, out, kafka: false, ...options } as never, args: [path] }, context);
  const report = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Record<string, unknown>;
  return { server, run, report, json, notes, said, opened, transport, closed: () => closed, folder, out };
}

describe('millrace parallel', () => {
  it('asks about each line; settings are flags before variables before defaults; all tasks are expected by the end', async () => {
    vi.stubEnv('MILLRACE_PARALLEL_WORKERS', '2');
    vi.stubEnv('MILLRACE_PARALLEL_MAX_TOKENS', '7');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { server, run, report, json } = await scene(['a', '', '{"text":"b"}', 'c']);
    expect(await run({ prompt: 'About {text}.', maxTokens: '9' })).toBe(0);
    expect(json).toMatchObject([{ summary: { succeeded: 3, failed: 0, isComplete: true } }]);
    expect(server.requests.map(({ body }) => body['max_tokens'] ?? body['max_completion_tokens'])).toEqual([9, 9, 9]);
    expect(server.maxRunning).toBeLessThanOrEqual(2);
    expect(await report()).toMatchObject({ facts: { workers: 2, maxTokens: 9 }, run: { total: 3, done: 3 } });
  });

  it('goes through Kafka by an option, with the same results and the same journal', async () => {
    const { server, run, opened, transport, closed, notes, said } = await scene(['a', 'b', 'c']);
    expect(await run({ kafka: true, topicPrefix: 'mine' })).toBe(0);
    expect(opened).toEqual([{ kind: 'kafka', startBroker: true }]);
    expect(closed()).toBe(1);
    expect(notes.join()).toContain('Kafka at a test');
    expect(transport.broker.records('mine.parallel.tasks', 0)).toHaveLength(3);
    expect(await run()).toBe(0);
    expect(said).toEqual([expect.stringMatching(/^3 done, 0 failed: /), expect.stringMatching(/^3 done \(3 by the journal\), 0 failed: /)]);
    expect(server.requests).toHaveLength(3);
  });

  it('of a .jsonl a line that is no JSON fails alone, with its number; the rest are asked, and the exit code says so', async () => {
    const { server, run, folder, out, json } = await scene([]);
    const file = join(folder, 'rows.jsonl');
    await writeFile(file, '{"text":"a"}\n\n{"text":"b"\n{"text":"c"}\n');
    expect(await run({}, file)).toBe(1);
    expect(json).toMatchObject([{ summary: { succeeded: 2, failed: 1, isComplete: true } }]);
    expect(server.requests).toHaveLength(2);
    const failed = (await readFile(join(out, 'results.jsonl'), 'utf8')).split('\n').find((line) => line.includes('"error"')) ?? '';
    expect(JSON.parse(failed)).toEqual({
      ...{ index: 1, line: 3, id: '2', status: 'error', input: '{"text":"b"' },
      error: { code: 'unreadable_document', message: expect.stringMatching(/^rows\.jsonl:3: expected a line of JSON, got /) as string },
    });
  });

  it.each([
    ['no-such-file', {}, 'FILE must be a file of lines or -'],
    ['.', {}, 'got the folder'],
    [undefined, { workers: '65' }, '--workers must be an integer from 1 to 64, got "65"'],
    [undefined, { attempts: 'two' }, '--attempts must be an integer'],
  ])('%s %j is refused before anything is asked', async (path, options, message) => {
    const { run, server } = await scene(['a']);
    await expect(run(options, path)).rejects.toThrow(message);
    expect(server.requests).toHaveLength(0);
  });

  it('a folder that cannot be written is told before anything is asked', async () => {
    const { run, folder, server } = await scene(['a']);
    await writeFile(join(folder, 'taken'), 'no folder');
    await expect(run({ out: join(folder, 'taken', 'out') })).rejects.toThrow('--out must name a folder that can be written');
    expect(server.requests).toHaveLength(0);
  });

  it('says which variable is wrong', async () => {
    vi.stubEnv('MILLRACE_PARALLEL_TIMEOUT_MS', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { run } = await scene(['a']);
    await expect(run()).rejects.toThrow('MILLRACE_PARALLEL_TIMEOUT_MS must be an integer >= 1, got "0"');
  });
});
