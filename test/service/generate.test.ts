import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type SeenEvent, eventsIn, serveScript, until } from './serving.ts';

const said = 'Hello to all of you, and good-bye.';

interface PlainChunk {
  readonly text?: string;
  readonly token_count?: number;
  readonly total_token_count?: number;
  readonly token_rate?: number;
  readonly attempt: number;
  readonly number: number;
  readonly finish_reason?: string;
  readonly usage?: { readonly completion_tokens: number };
  readonly error?: { readonly code: string; readonly message: string };
}

const valuesOf = (events: readonly SeenEvent[]): readonly PlainChunk[] =>
  events.filter(({ data }) => data !== '[DONE]').map(({ data }) => JSON.parse(data) as PlainChunk);
const textOf = (values: readonly PlainChunk[]): string => values.map(({ text = '' }) => text).join('');

/** Reads a stream until it has this many events, then leaves it. */
async function someEvents(response: Response, most: number): Promise<readonly SeenEvent[]> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    text += decoder.decode(value, { stream: true });
    const events = eventsIn(text.slice(0, text.lastIndexOf('\n\n') + 2));
    if (done || events.length >= most) {
      await reader?.cancel();
      return events.slice(0, most);
    }
  }
}

describe('/v1/generate', () => {
  it('streams chunks that join to exactly the answer, with counts that sum to the total', async () => {
    const { post } = await serveScript(said);
    const response = await post('/v1/generate', { prompt: 'hi', user_id: 'u1', something: 'else' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const events = eventsIn(await response.text());
    expect(events.at(-1)?.data).toBe('[DONE]');
    const values = valuesOf(events);
    const chunks = values.filter(({ text }) => text !== undefined);
    expect(textOf(values)).toBe(said);
    for (const { text = '', token_rate: rate } of chunks.slice(0, -1)) {
      expect(text).toMatch(/\S\S$|[.!?]$/);
      expect(rate).toBeGreaterThan(0);
    }
    const sum = chunks.reduce((all, { token_count: n = 0 }) => all + n, 0);
    expect([chunks.at(-1)?.total_token_count, values.at(-1)?.usage?.completion_tokens]).toEqual([sum, sum]);
    expect(values.at(-1)?.finish_reason).toBe('stop');
    const id = response.headers.get('x-generation-id');
    expect(events.slice(0, -1).map((one) => one.id)).toEqual(values.map(({ number }) => `${id ?? ''}:${String(number)}`));
  });

  it('goes on after a lost connection where the reader was', async () => {
    const { post, service, model } = await serveScript('one two three four five six', { tokenMs: 20 });
    const first = await post('/v1/generate', { prompt: 'count' });
    const before = await someEvents(first, 2);
    const last = before.at(-1)?.id ?? '';
    const [id = ''] = last.split(':');
    const again = await fetch(`${service.url}/v1/generate/${id}`, { headers: { 'last-event-id': last } });
    const after = eventsIn(await again.text());
    expect(textOf([...valuesOf(before), ...valuesOf(after)])).toBe('one two three four five six');
    expect(valuesOf(after)[0]?.number).toBe(3);
    const whole = eventsIn(await (await fetch(`${service.url}/v1/generate/${id}`)).text());
    expect(textOf(valuesOf(whole))).toBe('one two three four five six');
    expect(model.stats.calls).toBe(1);
  });

  it('ends at once for who comes again behind its last event, and knows no events that it has not had', async () => {
    const { post, service } = await serveScript(said);
    const whole = eventsIn(await (await post('/v1/generate', { prompt: 'hi' })).text());
    const [id = '', last = ''] = whole.at(-2)?.id?.split(':') ?? [];
    const again = (number: string): Promise<Response> =>
      fetch(`${service.url}/v1/generate/${id}`, { headers: { 'last-event-id': `${id}:${number}` } });
    expect(eventsIn(await (await again(last)).text())).toEqual([{ id: undefined, event: undefined, data: '[DONE]' }]);
    const beyond = await again(String(Number(last) + 1));
    expect([beyond.status, await beyond.text()]).toEqual([400, expect.stringContaining('which has had')]);
    expect(await lastValueFrom(service.results(id, Number(last)).pipe(toArray()))).toEqual([]);
    await expect(lastValueFrom(service.results(id, 99))).rejects.toThrow('which has had');
  });

  it('ends some time after its last reader has gone, and frees its place', async () => {
    const { post, model } = await serveScript('a b c d e f', { tokenMs: 10_000 }, { resumeMs: 30 });
    const leaving = new AbortController();
    const response = await post('/v1/generate', { prompt: 'count' }, { signal: leaving.signal });
    expect(response.status).toBe(200);
    await until(() => model.stats.running === 1);
    leaving.abort();
    await until(() => model.stats.aborted === 1);
  });

  it('is cancelled by DELETE, which its readers hear', async () => {
    const { post, service, model } = await serveScript('a b c d e f', { tokenMs: 10_000 });
    const response = await post('/v1/generate', { prompt: 'count' });
    const id = response.headers.get('x-generation-id') ?? '';
    await until(() => model.stats.running === 1);
    expect((await fetch(`${service.url}/v1/generate/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(valuesOf(eventsIn(await response.text())).at(-1)?.error).toEqual({ code: 'cancelled', message: 'it was cancelled' });
    expect(model.stats).toMatchObject({ running: 0, aborted: 1 });
    for (const method of ['GET', 'DELETE']) expect((await fetch(`${service.url}/v1/generate/other`, { method })).status).toBe(404);
  });

  it('asks again, with a higher attempt, what went down with its worker before its first text', async () => {
    const { post } = await serveScript([
      { prompt: /./, says: [{ fault: { kind: 'crash' } }, { fault: { kind: 'crash' } }, { text: said }] },
    ]);
    const values = valuesOf(eventsIn(await (await post('/v1/generate', { prompt: 'hi' })).text()));
    expect(textOf(values)).toBe(said);
    expect(new Set(values.map(({ attempt }) => attempt))).toEqual(new Set([3]));
  });

  it.each([
    ['which always dies', { fault: { kind: 'crash' } } as const, '', 'model_crashed'],
    ['which fails', { fault: { kind: 'status', status: 500 } } as const, '', 'model_failed'],
    [
      'which is cut off after its first text',
      { text: 'one two three', fault: { kind: 'cut', afterTokens: 2 } } as const,
      'one two',
      'model_failed',
    ],
  ])('ends the stream of a model %s with an error event, never a silent cut', async (_name, saying, text, code) => {
    const { post, service } = await serveScript(() => saying);
    const events = eventsIn(await (await post('/v1/generate', { prompt: 'hi' })).text());
    expect(events.at(-1)?.data).toBe('[DONE]');
    expect(events.at(-2)?.event).toBe('error');
    const values = valuesOf(events);
    expect([textOf(values), values.at(-1)?.error?.code]).toEqual([text, code]);
    expect((await service.state()).generations.open).toBe(0);
  });

  it.each([
    ['no prompt', {}, 400, /must have prompt/],
    ['two prompts', { prompt: 'a', messages: [{ role: 'user', content: 'b' }] }, 400, /not both/],
    ['a prompt that is no text', { prompt: 5 }, 400, /^prompt: /],
    ['a model that is not there', { prompt: 'a', model: 'x' }, 404, /there is no model "x"/],
    ['no object', '[]', 400, /must be a JSON object/],
    ['malformed JSON', '{"prompt": "a', 400, /JSON/],
  ])('says what is wrong with %s', async (_name, body, status, says) => {
    const { post } = await serveScript(said);
    const response = await post('/v1/generate', body);
    const { error } = (await response.json()) as { readonly error: { readonly message: string; readonly type: string } };
    expect([response.status, error.message]).toEqual([status, expect.stringMatching(says)]);
  });

  it('keeps the streams of one key from another', async () => {
    const keys = [
      { name: 'a', key: 'a-key-of-16-letters' },
      { name: 'b', key: 'b-key-of-16-letters' },
    ];
    const { post, service } = await serveScript(said, {}, { keys });
    const as = (n: 0 | 1) => ({ headers: { authorization: `Bearer ${keys[n]?.key ?? ''}` } });
    const response = await post('/v1/generate', { prompt: 'hi' }, as(0));
    const id = response.headers.get('x-generation-id') ?? '';
    await response.text();
    const statuses = ([0, 1] as const).map(async (n) => (await fetch(`${service.url}/v1/generate/${id}`, as(n))).status);
    expect(await Promise.all(statuses)).toEqual([200, 404]);
  });

  it('is had in code, too', async () => {
    const { service } = await serveScript(said);
    const id = service.startGeneration({ prompt: 'hi' });
    const events = await lastValueFrom(service.results(id).pipe(toArray()));
    expect(events.map((one) => (one.kind === 'chunk' ? one.text : '')).join('')).toBe(said);
    expect(events.at(-1)?.kind).toBe('end');
    const rest = await lastValueFrom(service.results(id, events.length - 1).pipe(toArray()));
    expect(rest).toEqual(events.slice(-1));
    await expect(lastValueFrom(service.results('other'))).rejects.toThrow('there is no generation other');
    expect(() => service.startGeneration({ prompt: 'hi', model: 'x' })).toThrow('there is no model "x"');
  });
});
