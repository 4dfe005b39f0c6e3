import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { documentsCommand } from '../../../pipelines/documents/command.ts';
import { systemClock } from '../../../src/clock.ts';
import type { CommandContext } from '../../../src/command.ts';
import { journal } from '../../../src/journal/journal.ts';
import { silentLog } from '../../../src/runtime/logging.ts';
import { hardFolder } from '../../helpers/hard-folder.ts';
import { type OpenAiServer, startOpenAiServer } from '../../helpers/openai-server.ts';

const nothing = (): void => undefined;

/** `millrace documents`, in this process; what it says goes to `said`. */
async function documents(args: readonly string[], options: Readonly<Record<string, unknown>>, said: string[] = []): Promise<unknown> {
  const context: CommandContext = {
    settings: { transport: 'memory', brokers: [], json: false, logLevel: 'silent' },
    ...{ log: silentLog, clock: systemClock, signal: new AbortController().signal },
    out: {
      ...{ isJson: false, isTty: false, width: 200, live: nothing, json: nothing, table: nothing, drained: () => Promise.resolve() },
      line: (text) => said.push(text),
      note: (text) => said.push(text),
    },
    openTransport: () => Promise.reject(new Error('there is no Kafka here')),
    pull: () => Promise.reject(new Error('there is nothing to pull')),
  };
  const given = { kafka: false, tokensPerMinute: 'none', requestsPerMinute: 'none', ...options };
  return Promise.resolve(documentsCommand.run({ args, options: given as never }, context)).catch((error: unknown) => error);
}

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'millrace-documents-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
};

async function served(text: string): Promise<OpenAiServer> {
  const server = await startOpenAiServer({ reply: () => ({ tokens: [text] }) });
  onTestFinished(() => server.close());
  return server;
}

interface Line {
  readonly status: string;
  readonly input: { readonly id: string; readonly hash?: string; readonly fields?: object };
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string };
}

const linesIn = async (out: string): Promise<readonly Line[]> =>
  (await readFile(join(out, 'results.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

it('a hard pile has an answer for each document; models side by side are compared; the same command again calls nothing', async () => {
  const { dir, readable, unreadable, duplicates } = await hardFolder();
  onTestFinished(() => rm(dirname(dir), { recursive: true, force: true }));
  await copyFile(join(import.meta.dirname, '../../text/fixtures/snappy.parquet'), join(dir, 'rows.parquet'));
  const [one, other, out] = [await served('the mill stands'), await served('the mill burns'), await folder()];
  const options = { task: ['summarize'], out, model: `${one.url}#one`, compare: `${other.url}#other`, chunkTokens: '4000' };
  expect(await documents([dir], options)).toBe(1); // some cannot be read

  const lines = await linesIn(out);
  const byId = new Map(lines.map((line) => [line.input.id, line]));
  const parquet = Array.from({ length: 60 }, (_, row) => `rows.parquet#${String(row + 1)}`);
  const wanted = [...Object.keys(readable).filter((id) => id !== 'empty.txt'), ...parquet];
  expect(wanted.filter((id) => byId.get(id)?.status !== 'success')).toEqual([]);
  for (const [id, part] of Object.entries({ ...unreadable, 'empty.txt': 'has no text' }))
    expect([id, byId.get(id)?.error]).toEqual([id, { code: 'unreadable_document', message: expect.stringContaining(part) as string }]);
  expect(lines).toHaveLength(wanted.length + Object.keys(unreadable).length + 1);
  expect(new Set(duplicates.map((id) => byId.get(id)?.input.hash)).size).toBe(1);
  expect(byId.get('rows.csv:5')?.input.fields).toEqual({ year: '1851' });
  expect(byId.get('bom.txt')?.result).toEqual({
    summarize: {
      answer: 'the mill stands',
      compared: [
        { model: `${one.url}#one`, answer: 'the mill stands', similarity: 1 },
        { model: `${other.url}#other`, answer: 'the mill burns', similarity: 0.5 }, // two words of four
      ],
    },
  });
  const merged = JSON.parse(await readFile(join(out, 'merged.json'), 'utf8')) as object;
  expect(merged).toMatchObject({ success_count: wanted.length, error_count: lines.length - wanted.length });

  const calls = one.requests.length + other.requests.length;
  expect(await documents([dir], options)).toBe(1);
  expect(one.requests.length + other.requests.length).toBe(calls);
  expect((await linesIn(out)).map(({ result }) => result)).toEqual(lines.map(({ result }) => result));
  expect((await readdir(out)).sort()).toEqual(['journal', 'merged.json', 'report.html', 'report.json', 'results.jsonl']);
});

it('a run that a model ends that stays away has a report of how far it came; one that finds the folder taken leaves it alone', async () => {
  const [server, pile, out] = [await served('ok'), await folder(), await folder()];
  for (const name of ['a.txt', 'b.txt']) await writeFile(join(pile, name), name);
  const options = { task: ['summarize'], out, model: `${server.url}#one` };
  expect(await documents([pile], options)).toBe(0);
  await writeFile(join(pile, 'c.txt'), 'another');
  await server.close();
  const said: string[] = [];
  const ended = await documents([pile], { ...options, modelPatienceMs: '1' }, said);
  expect(ended).toMatchObject({ code: 'model_unavailable' });
  const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as { facts: object };
  expect(report.facts).toMatchObject({
    'answered by the journal': 2,
    'ended early by': expect.stringContaining('has not answered for') as string,
    'without an answer yet': 1,
  });
  expect(said.at(-1)).toMatch(/^answers: .*results\.part\.jsonl; report: .*report\.html$/);

  const other = journal({ dir: join(out, 'journal'), exclusive: true });
  const { close } = await other.open({ log: () => undefined, clock: systemClock, signal: new AbortController().signal });
  await rm(join(out, 'report.json'));
  expect(await documents([pile], options)).toMatchObject({ message: expect.stringContaining('works with the journal') as string });
  await close();
  expect(await readdir(out)).not.toContain('report.json');
});

it('a folder that cannot be written is told before a model is asked, or loaded', async () => {
  const [server, pile, file] = [await served('ok'), await folder(), join(await folder(), 'taken')];
  await writeFile(file, 'not a folder');
  await writeFile(join(pile, 'a.txt'), 'one');
  const ended = await documents([pile], { task: ['summarize'], out: join(file, 'answers'), model: `${server.url}#one` });
  expect(ended).toMatchObject({
    code: 'invalid_option',
    message: expect.stringMatching(/^--out must name a folder that can be written, got ".*answers": ENOTDIR: not a directory/) as string,
  });
  expect(server.requests).toHaveLength(0);
});

it('answers that go to a folder within the pile are no documents of it; to the pile itself they may not go', async () => {
  const [server, pile] = [await served('ok'), await folder()];
  for (const name of ['a.txt', 'z.txt']) await writeFile(join(pile, name), name);
  const options = { task: ['summarize'], model: `${server.url}#one`, out: join(pile, 'answers') };
  for (let run = 0; run < 2; run += 1) {
    expect(await documents([pile], options)).toBe(0);
    expect((await linesIn(options.out)).map(({ input }) => input.id)).toEqual(['a.txt', 'z.txt']);
  }
  expect(await documents([pile], { ...options, out: pile })).toMatchObject({
    code: 'invalid_option',
    message: expect.stringContaining('--out must be another folder than INPUT') as string,
  });
});

it('vectors of several models are no pile of vectors', async () => {
  const options = { task: ['embed'], out: join(await folder(), 'answers') };
  const ended = (model: string): Promise<unknown> => documents([dirname(options.out)], { ...options, model });
  const message = expect.stringContaining('--task embed needs one model') as string;
  expect(await ended('http://127.0.0.1:1/v1#one,http://127.0.0.1:1/v1#other')).toMatchObject({ code: 'invalid_option', message });
  expect(await ended('smollm2,http://127.0.0.1:1/v1#other')).toMatchObject({ code: 'invalid_option', message });
});
