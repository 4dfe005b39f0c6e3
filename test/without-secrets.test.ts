import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../src/without-secrets.ts';

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
    ['record in/0@3: expected JSON, got text', 'record in/0@3: expected JSON, got text'],
  ])('%s', (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected);
  });
});

it('takes time in proportion to the text, whatever stands in it', () => {
  for (const part of ['://a', '?key', 'secret: ', 'eyJaaaaaaaa.', 'sk-', 'Bearer ', 'a_'])
    expect(withoutSecrets(part.repeat(100_000)).length).toBeGreaterThan(0);
}, 5_000);
