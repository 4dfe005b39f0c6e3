import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/clock.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { registry } from '../../../src/codec/registry/registry.ts';
import type { RegistryOptions } from '../../../src/codec/registry/registry-options.ts';
import { messageOf } from '../../../src/errors.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { type RegistryServer, registryServer, type RegistryServerOptions } from '../../helpers/registry-server.ts';

const order = { schema: '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}' };
const open: RegistryServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function served(server: RegistryServerOptions = {}, options: RegistryOptions = {}) {
  const running = await registryServer(server);
  open.push(running);
  return { ...running, client: registry({ url: running.url, retryMs: 0, ...options }) };
}

describe('a registry over HTTP', () => {
  it('registers, looks up, and finds by id and by version', async () => {
    const { client } = await served();
    expect((await failureOf(client.lookup('orders-value', order))).code).toBe('schema_not_found');
    const { id } = await client.register('orders-value', order);
    expect(await client.lookup('orders-value', order)).toMatchObject({ id, version: 1, subject: 'orders-value', schemaType: 'AVRO' });
    expect(await client.schemaById(id)).toEqual({ id, schema: order.schema, schemaType: 'AVRO', references: [] });
    expect(await client.bySubject('orders-value', 'latest')).toMatchObject({ id, version: 1 });
    expect(await client.compatibility('orders-value')).toBe('BACKWARD');
    expect((await failureOf(client.bySubject('orders-value', 2))).code).toBe('schema_not_found');
    expect((await failureOf(client.schemaById(77))).message).toMatch(
      /^the schema registry at 127.0.0.1:\d+ has none: schema 77 \(40403: Schema not found\)$/,
    );
  });

  it('says why a schema is not compatible, and takes all that a subject without versions is given', async () => {
    const { client } = await served();
    const strict = { schema: '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"n","type":"int"}]}' };
    expect(await client.check('orders-value', strict)).toEqual({ isCompatible: true, messages: [] });
    await client.register('orders-value', order);
    const { isCompatible, messages } = await client.check('orders-value', strict);
    expect(isCompatible).toBe(false);
    expect(messages.join()).toContain('field n is not written, and has no default');
    expect((await failureOf(client.register('orders-value', strict))).code).toBe('schema_incompatible');
  });

  it('has JSON Schemas, references and names that paths must escape', async () => {
    const { client, questions } = await served();
    const subject = 'a/b c%ü?#';
    const { id } = await client.register(subject, { schema: '{"type":"object"}', schemaType: 'JSON' });
    expect(await client.schemaById(id)).toMatchObject({ schemaType: 'JSON' });
    const references = [{ name: 'Order', subject: 'orders-value', version: 1 }];
    await client.register('orders-value', order);
    const cart = await client.register('carts', { schema: '{"type":"array","items":"Order"}', references });
    expect(await client.schemaById(cart.id)).toMatchObject({ references });
    expect(questions[0]?.path).toBe('/subjects/a%2Fb%20c%25%C3%BC%3F%23/versions');
    expect(JSON.parse(questions[2]?.body ?? '')).toEqual(order); // neither type nor references where there is nothing to say
    expect((await failureOf(client.bySubject('..', 1))).message).toContain('a name that a path can hold');
  });

  it('is behind a prefix, as of Apicurio', async () => {
    const { client } = await served({ prefix: '/apis/ccompat/v7' });
    await client.register('orders-value', order);
    expect(await client.bySubject('orders-value', 1)).toMatchObject({ version: 1 });
    expect(client.name).toMatch(/^127\.0\.0\.1:\d+\/apis\/ccompat\/v7$/);
  });

  it('asks in the context of a subject', async () => {
    const { client, questions } = await served();
    await client.register('orders-value', order);
    await client.schemaById(1, { subject: ':.other:orders-value' });
    await client.schemaById(1, { subject: ':.other:more' });
    await client.schemaById(1, { subject: 'orders-value' });
    expect(questions.slice(1).map(({ path }) => path)).toEqual(['/schemas/ids/1?subject=%3A.other%3Aorders-value', '/schemas/ids/1']);
  });
});

describe('what it remembers', () => {
  it('asks once for an id, for a version, and for what many ask at the same time', async () => {
    const { client, questions } = await served();
    await client.register('orders-value', order);
    await Promise.all([1, 2, 3].map(() => client.schemaById(1)));
    await client.schemaById(1);
    await Promise.all([1, 2].map(() => client.bySubject('orders-value', 1)));
    expect(questions).toHaveLength(3);
  });

  it('asks for latest and unknown ids again when they are old', async () => {
    const clock = virtualClock();
    const { client, questions } = await served({}, { clock, latestMaxAgeMs: 1_000, unknownForMs: 500 });
    await client.register('orders-value', order);
    await client.bySubject('orders-value', 'latest');
    await failureOf(client.schemaById(9));
    await clock.advance(499);
    await client.bySubject('orders-value', 'latest');
    await failureOf(client.schemaById(9));
    expect(questions).toHaveLength(3);
    await clock.advance(501);
    await client.bySubject('orders-value', 'latest');
    await failureOf(client.schemaById(9));
    expect(questions).toHaveLength(5);
  });

  it('lets one who gives up leave, and ends what nobody waits for', async () => {
    let ended = 0;
    const { client, questions } = await served({
      fault: (_, response) => {
        response.on('close', () => {
          ended += 1;
        });
        return true;
      },
    });
    const [first, second] = [new AbortController(), new AbortController()];
    const asked = [first, second].map(({ signal }) => client.schemaById(1, { signal }).catch((error: unknown) => messageOf(error)));
    await expect.poll(() => questions.length).toBe(1);
    first.abort(new Error('one'));
    expect(await asked[0]).toBe('one');
    expect(ended).toBe(0);
    second.abort(new Error('two'));
    expect(await asked[1]).toBe('two');
    await expect.poll(() => ended).toBe(1);
  });
});

describe('who is let in', () => {
  const basic = `Basic ${Buffer.from('clerk:s:cret/ü').toString('base64')}`;

  it.each<[string, (url: string) => RegistryOptions, string]>([
    ['basic', (url) => ({ url, auth: { username: 'clerk', password: 's:cret/ü' } }), basic],
    ['basic in the url', (url) => ({ url: url.replace('//', '//clerk:s%3Acret%2F%C3%BC@') }), basic],
    ['a token', (url) => ({ url, auth: { token: 'abc.def' } }), 'Bearer abc.def'],
    ['a token from a function', (url) => ({ url, auth: { token: () => Promise.resolve('fresh') } }), 'Bearer fresh'],
  ])('%s', async (_, options, authorization) => {
    const { url } = await served({ authorization });
    const client = registry(options(url));
    await client.register('orders-value', order);
    expect(client.name).not.toMatch(/clerk|cret/);
    const wrong = await failureOf(registry({ url }).schemaById(1));
    expect([wrong.code, wrong.grade]).toEqual(['authentication_failed', 'pipeline']);
  });

  it.each([
    ['a password', { username: 'clerk', password: 'opensesame' }, 'opensesame'],
    ['a password in base64', { username: 'clerk', password: 'opensesame' }, Buffer.from('clerk:opensesame').toString('base64')],
    ['a token', { token: 'opensesame' }, 'opensesame'],
    ['a token of a function', { token: () => 'opensesame' }, 'opensesame'],
  ])('says nothing of %s that the registry tells back', async (_, auth, told) => {
    const fault = (_question: unknown, response: ServerResponse): true => {
      response.writeHead(403).end(JSON.stringify({ message: `not with ${told}!` }));
      return true;
    };
    const { client } = await served({ fault }, { auth });
    expect((await failureOf(client.schemaById(1))).message).toMatch(/status 403 \(not with \[redacted\].{0,3}!\)/); // base64 ends within a character
  });

  it('calls the function for each request, and takes its failure for one that may pass', async () => {
    let calls = 0;
    const { url } = await served({ authorization: 'Bearer t3' });
    const token = (): string => {
      calls += 1;
      if (calls < 3) throw new Error('password=hunter2 was refused');
      return `t${String(calls)}`;
    };
    await registry({ url, auth: { token }, retryMs: 0 }).register('orders-value', order);
    expect(calls).toBe(3);
    const fails = registry({ url, auth: { token: () => Promise.reject(new Error('password=hunter2')) }, attempts: 1 });
    const { code, message } = await failureOf(fails.schemaById(1));
    expect([code, message]).toEqual(['registry_unavailable', 'registry.auth.token gave no token: password=[redacted]']);
  });
});

describe('faults', () => {
  const answer =
    (status: number, body: string, headers: Readonly<Record<string, string>> = {}) =>
    (response: ServerResponse): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    };
  const huge = (response: ServerResponse): void => {
    response.writeHead(200);
    response.end(`{"schema":"${'x'.repeat(5_000)}"}`);
  };
  const cut = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': '100' }).write('{"schema"', () => response.destroy());
  };

  it.each<[string, (response: ServerResponse) => void, string, RegExp]>([
    ['500', answer(500, '{"error_code":50001,"message":"store"}'), 'registry_unavailable', /answers with status 500 \(50001: store\)/],
    ['503 as HTML', answer(503, '<html>'), 'registry_unavailable', /status 503$/],
    ['429', answer(429, '', { 'retry-after': '0' }), 'registry_unavailable', /status 429/],
    ['an answer that is cut off', cut, 'registry_unavailable', /no answer: (the connection was cut|ECONNRESET)/],
    ['a huge answer', huge, 'registry_unavailable', /more than 4096 bytes \(registry.maxAnswerBytes\)/],
    ['a broken connection', (response) => response.destroy(), 'registry_unavailable', /no answer: ECONNRESET/],
    [
      'a sign-in page',
      answer(200, '<html>', { 'content-type': 'text/html' }),
      'registry_failed',
      /with text\/html and no JSON object; is the url right/,
    ],
    ['JSON of something else', answer(200, '{"ok":true}'), 'registry_failed', /expected text as schema/],
    ['JSON that is a list', answer(200, '[]'), 'registry_failed', /no JSON object/],
    [
      'a schema of a kind that nobody knows',
      answer(200, '{"schema":"","schemaType":"XML"}'),
      'registry_failed',
      /expected AVRO, JSON, PROTOBUF/,
    ],
    ['references that are none', answer(200, '{"schema":"","references":[{"name":1}]}'), 'registry_failed', /as references/],
    [
      'a redirect',
      answer(301, '', { location: 'https://user:pw@other.example/x?token=1' }),
      'registry_failed',
      /points elsewhere \(to other.example\); set registry.url/,
    ],
    [
      '401',
      answer(401, '{"message":"who are you, Basic YWJjOmRlZg=="}'),
      'authentication_failed',
      /status 401 \(who are you, Basic \[redacted\]\)/,
    ],
    ['403', answer(403, ''), 'authentication_failed', /status 403/],
    ['404 of a schema', answer(404, '{"error_code":40403,"message":"Schema 1 not found"}'), 'schema_not_found', /has none: schema 1/],
    ['404 of a path', answer(404, '{"error_code":404,"message":"HTTP 404 Not Found"}'), 'registry_failed', /does not know the path/],
    ['404 of another server', answer(404, '<html>'), 'registry_failed', /does not know the path of schema 1; is the url right/],
    ['409', answer(409, '{"error_code":409,"message":"not now"}'), 'schema_incompatible', /refuses schema 1 \(409: not now\)/],
    ['no content at all', answer(200, '', { 'content-type': '' }), 'registry_failed', /no JSON object/],
    ['half of its JSON, said to be whole', answer(200, '{"schema":"{\\"type'), 'registry_failed', /no JSON object/],
    ['a schema that is an object', answer(200, '{"schema":{"type":"string"}}'), 'registry_failed', /expected text as schema/],
    ['422', answer(422, '{"error_code":42201,"message":"Invalid"}'), 'registry_failed', /status 422 \(42201: Invalid\)/],
  ])('%s', async (_, fault, code, message) => {
    const limits = { maxAnswerBytes: 4_096, attempts: 2 };
    const { client, questions } = await served({ fault: (_question, response) => (fault(response), true) }, limits);
    const error = await failureOf(client.schemaById(1));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/pw|token=/);
    expect(questions).toHaveLength(code === 'registry_unavailable' ? 2 : 1); // what may pass is tried again, and nothing else
  });

  it('a version that was not asked for', async () => {
    const { client } = await served({
      fault: (_, response) => (answer(200, '{"id":1,"version":3,"schema":"\\"string\\""}')(response), true),
    });
    const error = await failureOf(client.bySubject('orders-value', 2));
    expect([error.code, error.message]).toEqual(['registry_failed', expect.stringContaining('expected 2 as version')]);
    expect(await client.bySubject('orders-value', 'latest')).toMatchObject({ version: 3 });
  });

  it('nobody there', async () => {
    const { url, close } = await registryServer();
    await close();
    const error = await failureOf(registry({ url, attempts: 2, retryMs: 0 }).schemaById(1));
    expect([error.code, error.grade]).toEqual(['registry_unavailable', 'transient']);
    expect(error.message).toMatch(/no answer: ECONNREFUSED; does it run there, as registry\.url /);
  });

  it('waits as long as it is asked, and longer from try to try', async () => {
    const waits: number[] = [];
    const clock: Clock = {
      nowMs: () => 0,
      schedule: (delayMs, callback) => {
        if (delayMs === 60_000) return () => undefined; // the answer's time-out
        waits.push(delayMs);
        queueMicrotask(callback);
        return () => undefined;
      },
    };
    const faults = [503, 429, 503];
    const { client } = await served(
      {
        fault: (_, response, nth) => {
          const status = faults[nth - 1];
          if (status === undefined) return false;
          response.writeHead(status, status === 429 ? { 'retry-after': '3' } : {}).end();
          return true;
        },
      },
      { clock, retryMs: 1_000, requestTimeoutMs: 60_000 },
    );
    expect(await client.register('orders-value', order)).toMatchObject({ id: 1 });
    const [first = 0, asked, third = 0] = waits;
    expect([waits.length, asked]).toEqual([3, 3_000]);
    expect(first >= 500 && first <= 1_000).toBe(true);
    expect(third >= 1_000 && third <= 2_000).toBe(true);
  });

  it('goes on at another place, and stays where it was answered', async () => {
    const [one, other] = [await served({ fault: (_, response) => (response.writeHead(500).end(), true) }), await served()];
    const client = registry({ url: [one.url, other.url], retryMs: 60_000 }); // a wait would end the test
    await client.register('orders-value', order);
    await client.schemaById(1);
    expect([one.questions.length, other.questions.length]).toEqual([1, 2]);
  });
});
