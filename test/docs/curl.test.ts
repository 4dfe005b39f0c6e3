import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { from, of } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeModel } from '../../src/inference/complete-model.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { serveModels, type Service } from '../../src/service/serve-models.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import { blocksOf } from './page-blocks.ts';

const read = (page: string): Promise<string> => readFile(join(import.meta.dirname, '../..', page), 'utf8');
const blocks = (await Promise.all(['README.md', 'src/service/service.md'].map(async (page) => blocksOf(page, await read(page))))).flat();
/** What a page shows behind `$ curl …`, or has people type. */
const transcripts = blocks.flatMap(({ at, text }) =>
  text
    .split(/^(?:\$ )?(?=curl )/m)
    .filter((part) => part.startsWith('curl '))
    .map((part) => {
      const [command = '', ...shown] = part.split('\n');
      return { at, command, shown: shown.join('\n').trim() };
    }),
);

const answers: Readonly<Record<string, readonly string[]>> = {
  'Say hi': ["I'm", ' glad', ' you', "'re", ' here', '!', ' I'],
  'Say hi in five words': ['Hi', ',', ' welcome', ' to', ' all.'],
};

/** Says piece by piece, each a token, what the pages show. */
const model = completeModel({
  ...{ name: 'smollm2', capabilities: scripted('').capabilities, countTokens: () => of(1) },
  chat: (turns) => {
    const said = answers[turns.at(-1)?.content ?? ''] ?? [];
    const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: said.length, totalTokens: said.length + 1 };
    const end = { text: '', index: said.length, tokenCount: 0, usage, finishReason: 'stop' as const };
    return from([...said.map((text, index) => ({ text, index, tokenCount: 1 })), end]);
  },
});

/** Without what is another one each time. */
const steady = (text: string): string =>
  text
    .replaceAll(/chatcmpl-[0-9a-f]+/g, 'ID')
    .replaceAll(/"created":\d+/g, '"created":0')
    .replaceAll(/"token_rate":[\d.]+/g, '"token_rate":0')
    .replaceAll(/^id: [\w-]{22}:/gm, 'id: ID:');

/** Runs a line of a shell, and ends it when it has said enough; what has no end says no more. */
function said(line: string, enough: RegExp): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', `exec ${line}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (enough.test(text)) child.kill();
    });
    child.once('close', () => resolve(text));
  });
}

describe.skipIf(spawnSync('curl', ['--version']).status !== 0)('the lines of curl', () => {
  const transport = memory();
  let service: Service;
  beforeAll(async () => {
    await transport.createTopics(['reviews', 'reviews.enriched'].map((name) => ({ name, partitions: 1 })));
    const records = ['other', 'r-17'].map((key) => ({ key: Buffer.from(key), value: Buffer.from(`{"of":"${key}"}`), headers: [] }));
    transport.broker.append('reviews.enriched', 0, records);
    const topics = { transport, produce: ['reviews'], consume: ['reviews.enriched'] };
    const smollm2 = { name: 'smollm2', open: () => Promise.resolve({ value: model, close: () => Promise.resolve() }) };
    service = await serveModels({ models: { smollm2 }, topics, port: 0, log: silentLog });
  });
  afterAll(() => service.close());
  const run = (command: string, enough = /\[DONE\]\n\n$/): Promise<string> =>
    said(command.replaceAll('localhost:8080', new URL(service.url).host), enough);

  it('are these', () => {
    expect(transcripts.map(({ command }) => /localhost:8080(\/[\w./]+)/.exec(command)?.[1])).toEqual([
      ...['/v1/chat/completions', '/v1/generate', '/topics/reviews/records', '/topics/reviews.enriched/records'],
    ]);
  });

  it.each(transcripts.filter(({ shown }) => shown !== ''))('$at: $command', async ({ command, shown }) => {
    const seen = steady(await run(command));
    let at = 0;
    for (const part of steady(shown).split('…')) {
      expect(seen.slice(at)).toContain(part.trim());
      at = seen.indexOf(part.trim(), at) + part.trim().length;
    }
  });

  it('the event that the page of the service shows is one of these', async () => {
    const shown = blocks.find(({ at, text }) => at.startsWith('src/service') && text.startsWith('id: '))?.text ?? 'none';
    const { command = '' } = transcripts.find((one) => one.command.includes('/v1/generate')) ?? {};
    expect(steady(await run(command))).toContain(steady(shown.trim()));
  });

  it('records are written and read', async () => {
    const [write, follow] = transcripts.filter((one) => one.command.includes('/topics/'));
    expect(JSON.parse(await run(write?.command ?? ''))).toEqual({ topic: 'reviews', records: [{ partition: 0, offset: '0' }] });
    expect(Buffer.from(transport.broker.records('reviews', 0)[0]?.value ?? []).toString()).toBe('{"text": "worth every cent"}');
    const seen = await run(follow?.command ?? '', /data: .*\n\n/);
    expect(seen).toContain('"key":"r-17","value":{"of":"r-17"}');
    expect(seen).not.toContain('other');
  });
});
