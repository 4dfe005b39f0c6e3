import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registry } from '../../../src/codec/registry/registry.ts';
import type { RegistryTls } from '../../../src/codec/registry/registry-options.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { certificateAuthority } from '../../helpers/certificates.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { type RegistryServer, registryServer } from '../../helpers/registry-server.ts';

const order = { schema: '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}' };
const [ours, others] = [certificateAuthority('Mill CA'), certificateAuthority('Another CA')];
const served = ours.issue({ name: 'schemas', hosts: ['schemas.example'] });
const clerk = ours.issue({ name: 'clerk', passphrase: 'key-5ecret' });
const expired = ours.issue({ name: 'schemas', hosts: ['schemas.example'], until: new Date(Date.now() - 60_000) });
const stranger = others.issue({ name: 'clerk' });
const open: RegistryServer[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function over(tls: RegistryTls | undefined, server: { readonly cert: string; readonly key: string; readonly ca?: string } = served) {
  const running = await registryServer({ tls: server, authorization: `Basic ${Buffer.from('clerk:pass-5ecret').toString('base64')}` });
  open.push(running);
  const auth = { username: 'clerk', password: 'pass-5ecret' };
  const client = registry({ url: running.url, auth, attempts: 1, retryMs: 0, ...(tls && { tls }) });
  return { client, questions: running.questions };
}

describe('a registry over TLS', () => {
  const known = { ca: ours.cert, serverName: 'schemas.example' };

  it.each<readonly [string, RegistryTls, typeof served & { readonly ca?: string }]>([
    ['an authority of our own', known, served],
    ['several authorities', { ...known, ca: [others.cert, ours.cert] }, served],
    ['a client certificate', { ...known, ...clerk, passphrase: 'key-5ecret' }, { ...served, ca: ours.cert }],
  ])('with %s', async (_, tls, server) => {
    const { client, questions } = await over(tls, server);
    const { id } = await client.register('orders-value', order);
    expect(await client.schemaById(id)).toMatchObject(order);
    expect(questions.length).toBeGreaterThan(0);
  });

  it('with the authority that the environment names', async () => {
    vi.stubEnv('MILLRACE_SCHEMA_REGISTRY_CA', ours.cert);
    const { client } = await over(undefined);
    const error = await failureOf(client.register('orders-value', order));
    expect(error.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID'); // known, though by another name than 127.0.0.1
  });

  it.each<readonly [string, RegistryTls | undefined, typeof served & { readonly ca?: string }, RegExp]>([
    ['an authority that nobody knows', undefined, served, /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER/],
    [
      'another authority',
      { ...known, ca: others.cert },
      served,
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE|UNABLE_TO_GET_ISSUER/,
    ],
    ['another name', { ca: ours.cert }, served, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['a certificate that has expired', known, expired, /CERT_HAS_EXPIRED/],
    ['no client certificate where one is wanted', known, { ...served, ca: ours.cert }, /ERR_SSL|ECONNRESET|EPIPE|connection/],
    [
      'a client certificate of another authority',
      { ...known, ...stranger },
      { ...served, ca: ours.cert },
      /ERR_SSL|ECONNRESET|EPIPE|connection/,
    ],
  ])('not with %s, and sends no password there', async (_, tls, server, message) => {
    const { client, questions } = await over(tls, server);
    const error = await failureOf(client.register('orders-value', order));
    const isTheirs = message.source.includes('ERR_SSL'); // they refuse ours, which looks as a lost connection does
    expect([error.code, questions]).toEqual([isTheirs ? 'registry_unavailable' : 'registry_failed', []]);
    expect(error.message).toMatch(message);
    if (!isTheirs) expect(error.message).toMatch(/is not trusted: .*registry\.tls\.ca/);
    expect(error.message).not.toContain('5ecret');
  });

  it('not where the key needs another passphrase', () => {
    const wrong = { url: 'https://schemas.example', tls: { ...known, ...clerk, passphrase: 'wrong' } };
    expect(() => registry(wrong)).toThrow(/registry\.tls: cert, key and passphrase do not fit/);
  });
});

it.each<[string, (response: ServerResponse) => unknown]>([
  ['silence', () => undefined],
  ['a slow drip', (response) => response.writeHead(200).write('{')],
])('%s, twice as long as it is waited for', async (_, fault) => {
  const clock = virtualClock();
  const options = { clock, requestTimeoutMs: 50, attempts: 2, retryMs: 0 };
  const { url, questions, close } = await registryServer({ fault: (_question, response) => (fault(response), true) });
  const client = registry({ url, ...options });
  const failure = failureOf(client.schemaById(1));
  await expect.poll(() => questions.length).toBe(1);
  await clock.advance(49);
  expect(questions).toHaveLength(1);
  await clock.advance(1);
  await expect
    .poll(async () => {
      await clock.advance(0); // the wait before the next try
      return questions.length;
    })
    .toBe(2);
  await clock.advance(50);
  const error = await failure;
  await close();
  expect([error.code, error.message]).toEqual(['registry_unavailable', expect.stringContaining('no whole answer within 50 ms')]);
});
