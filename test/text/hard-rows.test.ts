import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeText } from '../../src/text/decode-text.ts';
import { documentsIn, type DocumentsInOptions } from '../../src/text/documents-in.ts';
import { readDocument } from '../../src/text/read-document.ts';
import { pdfOf, streamOf } from '../helpers/pdf-file.ts';

/** The fields of each row, or what its error says. */
async function rowsOf(bytes: readonly Buffer[], options: DocumentsInOptions): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const source of documentsIn(Readable.from(bytes), options)) {
    found.push(
      await source.read().then(
        (content) => ('fields' in content ? content.fields : content.bytes),
        (error: unknown) => (error as Error).message,
      ),
    );
  }
  return found;
}

describe('documentsIn of CSV', () => {
  interface Case {
    readonly delimiter: string;
    readonly csv: string;
    readonly rows: readonly (readonly string[] | null)[];
  }

  it("reads what Python's csv module reads", async () => {
    const cases = JSON.parse(await readFile(join(import.meta.dirname, 'fixtures/csv-cases.json'), 'utf8')) as readonly Case[];
    for (const { delimiter, csv, rows } of cases) {
      const found = await rowsOf([Buffer.from(csv)], { format: 'csv', delimiter, encoding: 'utf-8' });
      const expected = rows.map((row) =>
        row === null
          ? (expect.stringContaining('fields as in the header') as string)
          : Object.fromEntries(row.map((field, index) => [`c${String(index)}`, field])),
      );
      expect(found, JSON.stringify(csv)).toEqual(expected);
    }
  });

  it.each([
    ['in one piece', 1_000_000],
    ['in pieces that cut characters', 1_001],
  ])('refuses rows in another encoding behind the first 64 KiB, and no others: %s', async (_, size) => {
    const good = 'é \ufffd 😀,1\n'; // U+FFFD as itself is text
    const bytes = Buffer.concat([
      Buffer.from(`text,n\n${good.repeat(8_000)}`),
      Buffer.from('caf\xe9,2\n', 'latin1'),
      Buffer.from('fin € \ufffd,3\n'),
    ]);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (__, index) => bytes.subarray(index * size, (index + 1) * size));
    const found = await rowsOf(pieces, { format: 'csv' });
    expect(found).toHaveLength(8_002);
    expect(found[0]).toEqual({ text: 'é \ufffd 😀', n: '1' });
    expect(found.at(-2)).toContain('got bytes that are not in the encoding that the file begins with (say encoding');
    expect(found.at(-1)).toEqual({ text: 'fin € \ufffd', n: '3' });
  });

  it('refuses rows that are not in the encoding that was said', async () => {
    const bytes = Buffer.concat([Buffer.from('text,n\n\x83\x65,1\n', 'latin1'), Buffer.from('\xff\xfe,2\n', 'latin1')]);
    expect(await rowsOf([bytes], { format: 'csv', encoding: 'shift_jis' })).toEqual([
      { text: 'テ', n: '1' },
      expect.stringContaining('got bytes that are not in the encoding'),
    ]);
  });
});

describe('documentsIn of JSONL', () => {
  const lines = '{"text":"é"}\r\n\r\n  \n{"text":"😀"}\r\n\n';

  it.each([
    ['UTF-8 with a mark', Buffer.from(`\ufeff${lines}`)],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${lines}`, 'utf16le')],
    ['UTF-16 without one', Buffer.from(lines.replace('é', 'the mill stands by the river'), 'utf16le')],
    ['UTF-16, the high byte first', Buffer.from(`\ufeff${lines}`, 'utf16le').swap16()],
  ])('reads %s, with line ends of Windows and blank lines', async (_, bytes) => {
    const found = await rowsOf([bytes.subarray(0, 31), bytes.subarray(31)], { format: 'jsonl' });
    expect(found).toEqual([{ text: expect.stringMatching(/^(é|the mill.*)$/) as string }, { text: '😀' }]);
  });

  it('refuses a line with places that are no characters', async () => {
    const bytes = Buffer.concat([Buffer.from('{"text":"é é é é é é '), Buffer.from([0xff]), Buffer.from('"}\n{"text":"b"}')]);
    expect(await rowsOf([bytes], { format: 'jsonl' })).toEqual([expect.stringContaining('1 places in it are no utf-8'), { text: 'b' }]);
  });
});

describe('hard documents', () => {
  it('are text in Big5', () => {
    const line = 'a4a4a4e5aabaa6b0a4bbacb0a8e2b3a1a4c0a141b2c4a440b3a1a4c0bba1a9faa4e9a143'; // 中文…
    const bytes = Buffer.from(line.repeat(6), 'hex');
    const { text, encoding, replaced } = decodeText(bytes);
    expect({ encoding, replaced, begin: text.slice(0, 2) }).toEqual({ encoding: 'big5', replaced: 0, begin: '中文' });
  });

  it.runIf(process.getuid?.() === 0)('say which file this user may not read, and go on', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-rights-'));
    await chmod(dir, 0o755);
    for (const name of ['a.txt', 'b.csv', 'c.parquet', 'd.txt'])
      await writeFile(join(dir, name), 'text', { mode: name === 'd.txt' ? 0o644 : 0o600 });
    const found: Record<string, unknown> = {};
    process.seteuid?.(65_534);
    try {
      for await (const source of documentsIn(dir))
        found[source.id] = await source.read().catch((error: unknown) => (error as Error).message);
    } finally {
      process.seteuid?.(0);
      await rm(dir, { recursive: true });
    }
    const refused = expect.stringContaining('this user may not read it; change its rights, or leave it out (EACCES)') as string;
    expect(found).toEqual({ 'a.txt': refused, 'b.csv:end': refused, 'c.parquet:end': refused, 'd.txt': { bytes: Buffer.from('text') } });
  });

  it('are PDFs that unpack to a gigabyte, which are ended', async () => {
    const raw = (text: Buffer): Buffer => deflateRawSync(text, { level: 1, finishFlush: constants.Z_SYNC_FLUSH });
    const block = raw(Buffer.alloc(16 * 1024 * 1024, 'a'));
    const packed = [
      Buffer.from([0x78, 1]),
      raw(Buffer.from('BT /F1 12 Tf (')),
      ...Array.from({ length: 64 }, () => block),
      Buffer.from([3, 0]),
    ];
    const objects = [
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>',
      streamOf(Buffer.concat(packed), '/Filter /FlateDecode'),
    ];
    await expect(readDocument(pdfOf(objects), { maxMemoryMb: 96 })).rejects.toMatchObject({
      code: 'unreadable_document',
      message: expect.stringMatching(/takes more than 96 MiB|cannot be read/) as string,
    });
  });
});
