import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { classify } from '../../src/classify.ts';
import { gradeOf, StreamError, type ErrorCode } from '../../src/errors.ts';

const page = await readFile(new URL('../../src/GUARANTEES.md', import.meta.url), 'utf8');
const section = (page.split('## Error codes and their grades')[1] ?? '').split('\n## ')[0] ?? '';
const inCode = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');

describe('the table of error codes', () => {
  const told = section
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .flatMap((line) => {
      const [, grade = '', , codes = ''] = line.split('|');
      return inCode(codes).map((code) => [code, inCode(grade)[0]] as const);
    });

  it('names each code once, with the grade that the code has', () => {
    expect([...told].sort()).toEqual(Object.entries(gradeOf).sort());
  });

  it.each(told)('%s is treated as %s', (code, grade) => {
    expect(classify(new StreamError(code as ErrorCode, 'x'))).toBe(grade);
  });

  it.each([
    [{ status: 429 }, 'overload'],
    [{ status: 503 }, 'overload'],
    [{ status: 529 }, 'overload'],
    [{ status: 500 }, 'transient'],
    [{ status: 408 }, 'transient'],
    [{ status: 409 }, 'transient'],
    [{ status: 425 }, 'transient'],
    [{ code: 'ECONNRESET' }, 'transient'],
    [{ status: 507 }, 'resource'],
    [{ code: 'ENOMEM' }, 'resource'],
    [{ code: 'ENOSPC' }, 'resource'],
    [{ status: 404 }, 'record'],
  ])('and %j, which is not ours, as %s', (error, grade) => {
    expect(classify(error)).toBe(grade);
    expect(section).toContain(`\`${grade}\``);
    expect(section).toContain(
      'status' in error
        ? error.status === 500
          ? '5xx'
          : error.status === 404
            ? 'else'
            : String(error.status)
        : error.code === 'ECONNRESET'
          ? 'broken connections'
          : error.code,
    );
  });
});
