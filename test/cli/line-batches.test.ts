import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineBatches } from '../../src/cli/line-batches.ts';

async function* from(chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}

async function linesOf(chunks: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of lineBatches(from(chunks)))
    for (const { number, bytes } of batch) lines.push(`${String(number)}:${Buffer.from(bytes).toString()}`);
  return lines;
}

describe('lineBatches', () => {
  it.each([
    [['a\nb\n'], ['1:a', '2:b']],
    [['a\nb'], ['1:a', '2:b']],
    [
      ['a\r', '\nb\r\n'],
      ['1:a', '2:b'],
    ],
    [
      ['a', 'b', '\n\n', 'c'],
      ['1:ab', '2:', '3:c'],
    ],
    [[], []],
  ])('%j', async (chunks, expected) => {
    expect(await linesOf(chunks)).toEqual(expected);
  });

  it('does not depend on where chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n')), async (parts) => {
        expect(await linesOf(parts)).toEqual(await linesOf([parts.join('')]));
      }),
    );
  });

  it('names a line that has no end', async () => {
    await expect(linesOf(['a\n', ...Array.from({ length: 17 }, () => 'x'.repeat(1024 * 1024))])).rejects.toThrow('line 2 is longer than');
  });
});
