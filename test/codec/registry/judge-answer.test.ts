import fc from 'fast-check';
import { expect, it } from 'vitest';
import { judgeAnswer } from '../../../src/codec/registry/judge-answer.ts';
import { compatibilityOf, levelOf, schemaOf, subjectSchemaOf } from '../../../src/codec/registry/read-answers.ts';
import { RegistryError } from '../../../src/errors.ts';

const secret = 'hunter2hunter2';
const answers = fc.record({
  status: fc.integer({ min: 100, max: 599 }),
  text: fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({
        error_code: fc.oneof(fc.integer(), fc.constantFrom(404, 40_401, 40_403, 409, 42_201), fc.anything()),
        message: fc.oneof(fc.string(), fc.constantFrom(`password=${secret}`, `Bearer ${secret}`, `https://clerk:${secret}@host/`)),
      })
      .map((body) => JSON.stringify(body, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))),
  ),
  location: fc.constantFrom(undefined, '/x', `https://clerk:${secret}@elsewhere/?token=${secret}`),
});

it('makes of any answer a value or an error of ours, short and without secrets', () => {
  fc.assert(
    fc.property(answers, ({ status, text, location }) => {
      const headers = new Headers(location === undefined ? {} : { location });
      try {
        const body = judgeAnswer({ status, headers, text }, 'host', 'schema 1', 0);
        expect([status >= 200 && status < 300, typeof body]).toEqual([true, 'object']);
        for (const read of [schemaOf, subjectSchemaOf, compatibilityOf, levelOf] as const)
          expect(() => read(body, 1 as never, 'host')).toThrow(RegistryError); // none of them is an answer to any question
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        expect(error.message).not.toContain(secret);
        expect(error.message.length).toBeLessThan(800);
        expect(error.code === 'registry_unavailable').toBe(status >= 500 || status === 408 || status === 425 || status === 429);
        if (error.code === 'schema_not_found') expect([status, text]).toEqual([404, expect.stringContaining('"error_code":404')]);
      }
    }),
    { numRuns: 500 },
  );
});

it.each<readonly [string, number, string, Readonly<Record<string, string>>, string, RegExp]>([
  ['425', 425, '', {}, 'registry_unavailable', /status 425/],
  ['418 as text', 418, 'teapot', { 'content-type': 'text/plain' }, 'registry_failed', /refuses schema 1 with status 418$/],
  ['a redirect to nowhere', 302, '', { location: '::' }, 'registry_failed', /points elsewhere; set registry.url/],
  ['nothing, said to be good', 204, '', {}, 'registry_failed', /with no content type and no JSON object/],
])('%s', (_, status, text, headers, code, message) => {
  const answer = { status, text, headers: new Headers(headers) };
  expect(() => judgeAnswer(answer, 'here', 'schema 1', 0)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) as unknown }),
  );
});

it('takes right JSON that is called HTML, as some proxies call it', () => {
  const headers = new Headers({ 'content-type': 'text/html' });
  expect(judgeAnswer({ status: 200, text: '{"schema":"x"}', headers }, 'here', 'schema 1', 0)).toEqual({ schema: 'x' });
});
