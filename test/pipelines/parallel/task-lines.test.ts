import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { taskLines } from '../../../pipelines/parallel/task-lines.ts';

async function* piped(...pieces: readonly (string | Buffer)[]) {
  for (const piece of pieces) {
    await Promise.resolve();
    yield Buffer.from(piece);
  }
}

async function fileOf(name: string, content: string | Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-lines-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

/** Where each line stands, what it says, and whether it must be JSON. */
async function linesIn(path: string, ...pieces: readonly (string | Buffer)[]) {
  const { lines } = await taskLines(path, piped(...pieces));
  const seen: unknown[] = [];
  for await (const { where, text, problem, isRow } of lines) seen.push([where, text ?? problem, isRow]);
  return seen;
}

const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

describe('the lines of a file', () => {
  it.each([
    ['a.jsonl', true],
    ['a.NDJSON', true],
    ['a.json', true],
    ['a.jsonl.gz', true],
    ['a.txt', false],
    ['a', true],
  ])('%s: only JSON will do: %s', async (name, isRow) => {
    const content = '{"text":"x"}\r\n\n {broken\n';
    const path = await fileOf(name, name.endsWith('.gz') ? gzipSync(content) : content);
    expect(await linesIn(path)).toEqual([
      [`${name}:1`, '{"text":"x"}', isRow],
      [`${name}:3`, ' {broken', isRow],
    ]);
  });

  it('of stdin the first line says what they are', async () => {
    expect(await linesIn('-', '\n{"a"', ':1}\nb')).toEqual([
      ['stdin:2', '{"a":1}', true],
      ['stdin:3', 'b', true],
    ]);
    expect(await linesIn('-', '{a}\n', '{"b":1}')).toEqual([
      ['stdin:1', '{a}', false],
      ['stdin:2', '{"b":1}', false],
    ]);
    expect(await linesIn('-')).toEqual([]);
  });

  it.each([
    ['UTF-8 with a mark', Buffer.from('\ufeffÄpfel\nweiß')],
    ['UTF-16', utf16('Äpfel\nweiß')],
    ['windows-1252', Buffer.from('Äpfel\nweiß', 'latin1')],
    ['gzipped UTF-16', gzipSync(utf16('Äpfel\nweiß'))],
  ])('are text in %s', async (_, content) => {
    expect(await linesIn(await fileOf('a.txt', content))).toEqual([
      ['a.txt:1', 'Äpfel', false],
      ['a.txt:2', 'weiß', false],
    ]);
  });

  it('one of another encoding is read by its own look, and one that is too long is told; the others go on', async () => {
    const long = Buffer.alloc(17 * 2 ** 20, 'x');
    const content = Buffer.concat([Buffer.from('a üä öß\n'), Buffer.from('b ü\n', 'latin1'), long, Buffer.from('\nlast')]);
    expect(await linesIn(await fileOf('a.txt', content))).toEqual([
      ['a.txt:1', 'a üä öß', false],
      ['a.txt:2', 'b ü', false],
      ['a.txt:3', 'expected a line of at most 16777216 bytes, got a longer one; split it', false],
      ['a.txt:4', 'last', false],
    ]);
  });

  it('what is cut off is told behind the lines that are there', async () => {
    const packed = gzipSync(Array.from({ length: 50_000 }, (_, n) => `line ${String(n * 7_919)}`).join('\n'));
    const seen = (await linesIn(await fileOf('a.txt.gz', packed.subarray(0, packed.length / 2)))) as [string, string][];
    expect(seen.length).toBeGreaterThan(1_000);
    expect(seen[0]).toEqual(['a.txt.gz:1', 'line 0', false]);
    expect(seen.at(-1)?.[1]).toBe('what comes after this line cannot be read: unexpected end of file');
  });

  it('a pipe that says nothing does not hold up who wants to stop', async () => {
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const stop = new AbortController();
    const reading = taskLines('-', silent, stop.signal);
    stop.abort(new DOMException('by Ctrl-C', 'AbortError'));
    await expect(reading).rejects.toThrow('by Ctrl-C');
    await expect(taskLines('-', silent, stop.signal)).rejects.toThrow('by Ctrl-C');
  });

  it('what is no text is refused', async () => {
    await expect(linesIn(await fileOf('a.txt', Buffer.from('89504e470d0a1a0a0000000d', 'hex')))).rejects.toThrow(
      /FILE must hold lines of text, got ".*a\.txt": expected text, got a PNG image/,
    );
    await expect(linesIn(await fileOf('a.txt', Buffer.from('425a68393141592653590000', 'hex')))).rejects.toThrow('bzip2');
  });

  it('are as many bytes as the file, where they stand in it as they are', async () => {
    const bytesOf = async (name: string, content: Buffer) => (await taskLines(await fileOf(name, content), piped())).bytes;
    expect(await bytesOf('a.txt', Buffer.from('two\nlines'))).toBe(9);
    expect(await bytesOf('a.txt', gzipSync('two'))).toBeUndefined();
    expect((await taskLines('-', piped('x'))).bytes).toBeUndefined();
  });
});
