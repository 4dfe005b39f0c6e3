import { readFile } from 'node:fs/promises';
import { request as ask } from 'node:http';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openScene, said } from '../proofs/openai-python/scene.ts';
import type { RecordedRequest } from '../proofs/openai-python/record.ts';
import { eventsIn, until } from './serving.ts';

/** What the official client for Python asked; `MILLRACE_RECORD=1 npm run prove -- openai-python` writes it, and runs the client itself. */
const fixture = join(import.meta.dirname, 'fixtures/openai-python.json');

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** As it stands; `leaveAfter`: the connection is cut when the answer has this. */
function replay(url: string, { method, path, headers, body }: RecordedRequest, leaveAfter?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = ask(`${url}${path}`, { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
      let text = '';
      const done = (): void => resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text });
      answer.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (leaveAfter === undefined || !text.includes(leaveAfter)) return;
        done();
        sent.destroy();
      });
      answer.on('end', done);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

interface Part {
  readonly choices?: readonly {
    readonly delta: {
      readonly content?: string | null;
      readonly tool_calls?: readonly { readonly function: { readonly name?: string; readonly arguments: string } }[];
    };
  }[];
  readonly error?: unknown;
}

function textOf({ choices, error }: Part): string {
  const { content, tool_calls: calls = [] } = choices?.[0]?.delta ?? {};
  const called = calls.map(({ function: { name = '', arguments: args } }) => name + args).join('');
  return `${content ?? ''}${called}${error === undefined ? '' : ' and an error'}`;
}

it('answers what the official client for Python asks', async () => {
  const { requests } = JSON.parse(await readFile(fixture, 'utf8')) as { readonly requests: readonly RecordedRequest[] };
  expect(requests.length).toBeGreaterThan(17);
  expect(requests.every(({ headers }) => headers['user-agent']?.startsWith('OpenAI/Python') === true)).toBe(true);
  const { service, running } = await openScene();
  onTestFinished(() => service.close());
  const [wholes, streams]: [string[], string[]] = [[], []];
  for (const one of requests) {
    const isEndless = one.body.includes('"endless"');
    const { status, type, text } = await replay(service.url, one, isEndless ? '"content":"on"' : undefined);
    expect([one.body, status]).toEqual([one.body, one.status]);
    if (status >= 400) expect(JSON.parse(text)).toMatchObject({ error: { message: expect.any(String) as string } });
    else if (isEndless) expect(type).toMatch(/event-stream/);
    else if (type.includes('event-stream')) {
      const events = eventsIn(text).map(({ data }) => data);
      expect(events.at(-1)).toBe('[DONE]');
      streams.push(
        events
          .slice(0, -1)
          .map((data) => textOf(JSON.parse(data) as Part))
          .join(''),
      );
    } else if (one.path.endsWith('/chat/completions'))
      wholes.push((JSON.parse(text) as { choices: [{ message: { content: string | null } }] }).choices[0].message.content ?? 'a call');
  }
  expect(wholes).toEqual([said, '{"city":"Bern"}', 'a call', 'a call', 'It is 7.']);
  expect(streams).toEqual([said, said, 'weather{"city":"Bern"}weather{"city":"Rome"}', 'one two and an error']);
  await until(() => running() === 0);
});
