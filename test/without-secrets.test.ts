import { describe, expect, it } from 'vitest';
import { formsOf, withoutSecrets } from '../src/without-secrets.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a text without secrets', () => {
  it.each([
    ['Incorrect API key provided: sk-proj-abcdefghijklmnop1234.', 'Incorrect API key provided: [redacted].'],
    ['GET https://joe:pass%20word@host:8080/x failed', 'GET https://[redacted]@host:8080/x failed'],
    ['authorization: Bearer abc.def-ghi_jkl', 'authorization: [redacted] [redacted]'],
    ['sent "Bearer abc.def-ghi_jkl"', 'sent "Bearer [redacted]"'],
    ['{"password":"hunter2","user":"joe"}', '{"password":"[redacted]","user":"joe"}'],
    ['?api_key=abc123&n=5', '?api_key=[redacted]&n=5'],
    ['cannot reach http://user:hunter2@10.0.0.1/metrics?token=sk-abc', 'cannot reach http://[redacted]@10.0.0.1/metrics?token=[redacted]'],
    [
      'redis://:hunter2@h, https://ghp_abc@github.com/x, http://u:p:w@d@h:80/',
      'redis://[redacted]@h, https://[redacted]@github.com/x, http://[redacted]@h:80/',
    ],
    ['https://b.example/o?sv=1&sig=ab%2Bc&X-Amz-Signature=0f#x', 'https://b.example/o?sv=1&sig=[redacted]&X-Amz-Signature=[redacted]#x'],
    ['key sk-SECRETKEY refused, task-of-the-day-12345 is not', 'key [redacted] refused, task-of-the-day-12345 is not'],
    [
      'grant_type=x&client_secret=abc&n=5 refused; refresh_token=q',
      'grant_type=x&client_secret=[redacted]&n=5 refused; refresh_token=[redacted]',
    ],
    ['http://host:80/path?q=a@b and exit code=1, key=r-17', 'http://host:80/path?q=a@b and exit code=1, key=r-17'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc is expired', '[redacted] is expired'],
    ['the basic idea: 512 tokens, http://host:80/a@b', 'the basic idea: 512 tokens, http://host:80/a@b'],
    [`got ${base64('Bearer sk-abcdefghijkl')}`, 'got [redacted]'],
    [`header ${base64('joe:hunter2')}, Basic ${base64('joe:hunter2')}`, 'header [redacted], Basic [redacted]'],
    [`{"auth64":"${base64('{"api_key":"abc"}')}"}`, '{"auth64":"[redacted]"}'],
    ['Bearer%20abcdefghi was sent, n%3D5 too', '[redacted] was sent, n%3D5 too'],
    ['next=client_secret%3Dabc%26n=5 to localhost%3A9092', 'next=[redacted]=5 to localhost%3A9092'],
    [`${base64('a sentence without one')} ./somewhere/in/millrace %zz`, `${base64('a sentence without one')} ./somewhere/in/millrace %zz`],
    ['record in/0@3: expected JSON, got text', 'record in/0@3: expected JSON, got text'],
  ])('%s', (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected);
  });
});

it('takes time in proportion to the text, whatever stands in it', () => {
  for (const part of ['://a', '?key', 'secret: ', 'eyJaaaaaaaa.', 'sk-', 'Bearer ', 'a_', '%41', 'QUJD', 'c2st'])
    expect(withoutSecrets(part.repeat(100_000)).length).toBeGreaterThan(0);
}, 5_000);

describe('the forms of a secret', () => {
  const secret = 'pläin~key+/0123456789?';
  it.each(['', 'x', 'xy', 'joe:', 'Bearer '])('stand in base64 behind %j, with or without something behind it', (before) => {
    for (const behind of ['', 'a', 'ab'])
      for (const form of ['base64', 'base64url'] as const) {
        const packed = Buffer.from(`${before}${secret}${behind}`).toString(form);
        const rest = formsOf(secret).reduce((text, one) => text.replaceAll(one, '|'), packed);
        expect(rest.length).toBeLessThan(packed.length - 25); // of it there is at most a letter left at each end
      }
  });

  it('are itself, and itself in a URL; of a short one no packed form', () => {
    expect(formsOf('a/b')).toEqual(['a/b', 'a%2Fb']);
  });
});
