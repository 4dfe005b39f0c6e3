import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/flow/without-secrets.ts';

describe('a text without secrets', () => {
  it.each([
    ['Incorrect API key provided: sk-proj-abcdefghijklmnop1234.', 'Incorrect API key provided: [redacted].'],
    ['GET https://joe:pass%20word@host:8080/x failed', 'GET https://[redacted]@host:8080/x failed'],
    ['authorization: Bearer abc.def-ghi_jkl', 'authorization: [redacted] [redacted]'],
    ['sent "Bearer abc.def-ghi_jkl"', 'sent "Bearer [redacted]"'],
    ['{"password":"hunter2","user":"joe"}', '{"password":"[redacted]","user":"joe"}'],
    ['?api_key=abc123&n=5', '?api_key=[redacted]&n=5'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc is expired', '[redacted] is expired'],
    ['the basic idea: 512 tokens, http://host:80/a@b', 'the basic idea: 512 tokens, http://host:80/a@b'],
    ['record in/0@3: expected JSON, got text', 'record in/0@3: expected JSON, got text'],
  ])('%s', (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected);
  });
});
