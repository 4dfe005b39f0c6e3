import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DocumentSource } from '../../src/text/document-source.ts';
import { documentsIn, type DocumentsInOptions } from '../../src/text/documents-in.ts';
import { readDocument } from '../../src/text/read-document.ts';
import { hardFolder, type HardFolder } from '../helpers/hard-folder.ts';

let folders: string[] = [];
const folder = async (files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-pile-'));
  folders.push(dir);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
  return dir;
};
afterEach(async () => {
  for (const dir of folders) await rm(dir, { recursive: true });
  folders = [];
});

const textOf = async (source: DocumentSource): Promise<string> => {
  const content = await source.read();
  return 'text' in content ? content.text : (await readDocument(content.bytes, { name: source.name })).text;
};
const messageOf = (error: unknown): string => (error as Error).message;
/** Id and text of each, or what its error says. */
async function all(input: string | Readable, options?: DocumentsInOptions): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const source of documentsIn(input, options)) {
    expect(found).not.toHaveProperty([source.id]);
    found[source.id] = await textOf(source).catch((error: unknown) => `! ${messageOf(error)}`);
  }
  return found;
}
const rows = async (name: string, content: string | Uint8Array, options?: DocumentsInOptions): Promise<Record<string, string>> =>
  all(join(await folder({ [name]: content }), name), options);

describe('documentsIn of a hard folder', () => {
  let hard: HardFolder;
  beforeAll(async () => {
    hard = await hardFolder();
  });
  afterAll(() => rm(dirname(hard.dir), { recursive: true }));

  it('gives each document, and an error for each that cannot be read', async () => {
    const found = await all(hard.dir);
    expect(Object.keys(found).sort()).toEqual([...Object.keys(hard.readable), ...Object.keys(hard.unreadable)].sort());
    for (const [id, part] of Object.entries(hard.readable)) expect(found[id], id).toContain(part);
    for (const [id, part] of Object.entries(hard.readable)) if (part !== '') expect(found[id], id).not.toMatch(/^!/);
    for (const [id, part] of Object.entries(hard.unreadable))
      expect(found[id], id).toMatch(new RegExp(`^! .*${part.replaceAll(/[()]/g, '.')}`));
  });

  it('gives them in the same order each time', async () => {
    const ids = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for await (const { id } of documentsIn(hard.dir)) found.push(id);
      return found;
    };
    const first = await ids();
    expect(await ids()).toEqual(first);
    expect(first.filter((id) => !id.includes('/') && !id.includes(':'))).toEqual(
      first.filter((id) => !id.includes('/') && !id.includes(':')).sort(),
    );
  });

  it('takes hidden files when asked, and rows as files', async () => {
    const found = await all(hard.dir, { hidden: true, format: 'file' });
    expect(found['.hidden.txt']).toBe('nobody asks for it');
    expect(found['rows.jsonl']).toContain('broken');
  });
});

describe('documentsIn of folders', () => {
  it('says what went away before it was read', async () => {
    const dir = await folder({ 'a.txt': 'a', 'b.txt': 'b' });
    const found: string[] = [];
    for await (const source of documentsIn(dir)) {
      await rm(join(dir, source.id));
      found.push(await textOf(source).catch(messageOf));
    }
    expect(found).toEqual(
      ['a', 'b'].map((name) => `${name}.txt cannot be read: it was there a moment ago, or is a link to nothing; run again (ENOENT)`),
    );
  });

  it('does not follow what became a link after it was listed', async () => {
    const dir = await folder({ 'a.txt': 'a' });
    for await (const source of documentsIn(dir)) {
      await rm(join(dir, 'a.txt'));
      await symlink('/etc/hostname', join(dir, 'a.txt'));
      await expect(source.read()).rejects.toMatchObject({
        code: 'unreadable_document',
        message: expect.stringContaining('it is a link') as string,
      });
    }
  });

  it('refuses a file above maxBytes without reading it, and what unpacks to more', async () => {
    const dir = await folder({ 'a.txt': 'aaaa', 'b.txt.gz': gzipSync('b'.repeat(10_000)) });
    expect(await all(dir, { maxBytes: 100 })).toEqual({
      'a.txt': 'aaaa',
      'b.txt.gz': '! b.txt.gz: expected a document of at most 100 bytes, got more when unpacked; split it, or raise maxBytes',
    });
    expect(await all(dir, { maxBytes: 3 })).toMatchObject({
      'a.txt': '! a.txt: expected a document of at most 3 bytes, got 4; split it, or raise maxBytes',
    });
  });

  it.each([
    ['/nowhere/at/all', {}, 'documentsIn.input must be a folder, a file or a stream, got "/nowhere/at/all", which cannot be read'],
    ['.', { format: 'xml' }, 'documentsIn.format must be one of auto, file, jsonl, csv, parquet, got "xml"'],
    ['.', { delimiter: ';;' }, 'documentsIn.delimiter must be one character, no quote and no line end, got ";;"'],
  ])('refuses %s with %j', async (input, options, message) => {
    await expect(documentsIn(input, options as never).next()).rejects.toMatchObject({ code: 'invalid_option', message });
  });
});

describe('documentsIn of JSONL', () => {
  it('finds texts, and says which line is broken', async () => {
    const lines = ['{"text":"a"}', '"b"', '{"x":1,"y":["c"]}', '[1]', '', '{"text":', 'null', '{"title":"t","body":"d"}'];
    expect(await rows('a.jsonl', lines.join('\r\n'))).toEqual({
      ...{ 'a.jsonl:1': 'a', 'a.jsonl:2': 'b', 'a.jsonl:3': 'x: 1\ny: ["c"]', 'a.jsonl:8': 'd' },
      'a.jsonl:4': '! a.jsonl:4: expected an object with fields, or a text, got a list',
      'a.jsonl:6': expect.stringContaining('! a.jsonl:6: expected a line of JSON, got "{\\"text\\":\\r"') as string,
      'a.jsonl:7': '! a.jsonl:7: expected an object with fields, or a text, got null',
    });
  });

  it('takes the field that is asked for', async () => {
    expect(await rows('a.jsonl', '{"text":"a","title":"b"}\n{"text":"c"}', { textField: 'title' })).toEqual({
      'a.jsonl:1': 'b',
      'a.jsonl:2': '! a.jsonl:2: expected text in the field "title", got none among text',
    });
  });

  it('holds no more of a long line than it may', async () => {
    const content = `{"text":"a"}\n{"text":"${'x'.repeat(3_000_000)}"}\n{"text":"b"}`;
    expect(await rows('a.jsonl', content, { maxRowBytes: 1_000 })).toEqual({
      ...{ 'a.jsonl:1': 'a', 'a.jsonl:3': 'b' },
      'a.jsonl:2': '! a.jsonl:2: expected a line of at most 1000 bytes, got a longer one; split it, or raise maxRowBytes',
    });
  });

  it.each([
    ['UTF-16', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['a mark', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['gzip', (text: string) => gzipSync(text)],
  ])('reads %s', async (_, encode) => {
    expect(await rows(_ === 'gzip' ? 'a.jsonl.gz' : 'a.jsonl', encode('{"text":"é"}\n{"text":"ü"}'))).toEqual({
      [_ === 'gzip' ? 'a.jsonl.gz:1' : 'a.jsonl:1']: 'é',
      [_ === 'gzip' ? 'a.jsonl.gz:2' : 'a.jsonl:2']: 'ü',
    });
  });

  it('gives what could be unpacked before damage', async () => {
    const packed = gzipSync(Array.from({ length: 50_000 }, (_, index) => `{"text":"${String(Math.sin(index))}"}`).join('\n'));
    const found = await rows('a.jsonl.gz', packed.subarray(0, packed.length / 2));
    expect(Object.keys(found).length).toBeGreaterThan(10_000);
    expect(found['a.jsonl.gz:end']).toMatch(/cut off; pack it anew \(Z_BUF_ERROR\)/);
  });

  it.runIf(process.platform === 'linux')('closes the file when nobody wants more', async () => {
    const dir = await folder({ 'a.jsonl': '{"text":"a"}\n'.repeat(100_000) });
    for (let times = 0; times < 20; times += 1) for await (const source of documentsIn(join(dir, 'a.jsonl'))) if (source.line === 3) break;
    const open = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    expect(open.filter((path) => path.startsWith(dir))).toEqual([]);
  });
});

describe('documentsIn of CSV', () => {
  it.each([
    ['quotes, line ends and delimiters within fields', 'text,n\n"a ""b"", c\nd",1\n,2\n', { 2: 'a "b", c\nd', 4: '' }],
    ['semicolons', 'text;n\na,b;1\n', { 2: 'a,b' }],
    ['tabs', 'text\tn\na,b\t1', { 2: 'a,b' }],
    ['old line ends', 'text,n\ra,1\rb,2\r', { 2: 'a', 3: 'b' }],
    ['empty lines', 'text,n\r\n\r\n\r\na,1\r\n\r\n', { 4: 'a' }],
    ['a mark, and a quoted header', '\ufeff"text","n"\n"a",1', { 2: 'a' }],
    ['no text column', 'x,y,x\n1,2,3\n', { 2: 'x: 1\ny: 2\nx_2: 3' }],
    ['quotes in the midst', 'text,n\n5" tall,1\n', { 2: '5" tall' }],
    ['a last field that is empty', 'text,n\na,', { 2: 'a' }],
    ['nothing but a header', 'text,n\n', {}],
    ['nothing', '', {}],
  ])('reads %s', async (_, content, expected) => {
    const named = Object.fromEntries(Object.entries(expected).map(([line, text]) => [`a.csv:${line}`, text]));
    expect(await rows('a.csv', content)).toEqual(named);
  });

  it.each([
    ['too few fields', 'text,n\na\nb,2', { 2: 'expected 2 fields as in the header, got 1', 3: 'b' }],
    ['text behind a quote', 'text,n\n"a" b,1\nc,2', { 2: 'got text behind the closing quote of field 1', 3: 'c' }],
    ['a quote that is never closed', 'text,n\n"a,1\nb,2\nc,3', { 2: 'got a quote that is never closed', 3: 'b', 4: 'c' }],
  ])('goes on behind %s', async (_, content, expected) => {
    const found = await rows('a.csv', content);
    expect(Object.keys(found)).toEqual(Object.keys(expected).map((line) => `a.csv:${line}`));
    for (const [line, part] of Object.entries(expected)) expect(found[`a.csv:${line}`]).toContain(part);
  });

  it('goes on behind lines that are too long, and quotes that are closed too late', async () => {
    const content = `text,n\na,1\n${'x'.repeat(5_000_000)},2\nb,3\n"${'y\n'.repeat(1_000)}${'z,1\n'.repeat(3)}`;
    const found = await rows('a.csv', content, { maxRowBytes: 1_000 });
    expect(found).toMatchObject({
      'a.csv:2': 'a',
      'a.csv:3': expect.stringContaining('more than 1000 characters') as string,
      'a.csv:4': 'b',
      'a.csv:1005': expect.any(String) as string,
      'a.csv:1007': 'z',
    });
  });

  it('does not read the same over and over', async () => {
    const content = `text,n\n${'"a""\n'.repeat(100_000)}`;
    const found = await rows('a.csv', content, { maxRowBytes: 10_000 });
    expect(Object.values(found).every((text) => text.startsWith('!'))).toBe(true);
  });

  it('reads records that come in pieces', async () => {
    const content = 'text,n\r\n"é ""q"", \r\nx",1\r\nb,2\r\n';
    for (const size of [1, 2, 3, 7]) {
      const bytes = Buffer.from(content);
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
      expect(await all(Readable.from(pieces), { format: 'csv' })).toEqual({ 'stdin:2': 'é "q", \r\nx', 'stdin:4': 'b' });
    }
  });

  it('reads windows-1251', async () => {
    const text = 'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива'.replaceAll(',', '');
    const bytes = Buffer.from(
      Array.from(`text;n\n${text};1\n`, (letter) =>
        letter >= 'А' && letter <= 'я' ? letter.charCodeAt(0) - 0x410 + 0xc0 : letter.charCodeAt(0),
      ),
    );
    expect(await rows('a.csv', bytes)).toEqual({ 'a.csv:2': text });
  });
});

describe('documentsIn of a stream', () => {
  it.each([
    ['JSONL', '{"text":"a"}\n{"text":"b"}\n', {}, { 'stdin:1': 'a', 'stdin:2': 'b' }],
    ['a text', 'a\nb', {}, { stdin: 'a\nb' }],
    ['a text that is packed', gzipSync('a'), {}, { stdin: 'a' }],
    ['CSV by its name', 'text,n\na,1', { name: 'x.csv' }, { 'x.csv:2': 'a' }],
    ['nothing', '', {}, { stdin: '' }],
    ['one document of JSON', '{\n"text": "a"\n}', {}, { stdin: '{\n"text": "a"\n}' }],
  ])('reads %s', async (_, content, options, expected) => {
    expect(await all(Readable.from([Buffer.from(content)]), options)).toEqual(expected);
  });

  it.each([
    ['plain lines', [Buffer.from('{"text":"one"}\n'), Buffer.from('{"text":"tw')], 'one'],
    ['UTF-8', [Buffer.from('\ufeff{"text":"caf\u00e9"}\n')], 'caf\u00e9'],
    ['lines of few bytes', [Buffer.from('{"te'), Buffer.from('xt":"one"}'), Buffer.from('\n')], 'one'],
  ])('gives rows as they come, though the pipe stays open: %s', async (_what, pieces, expected) => {
    for (const format of ['auto', 'jsonl'] as const) {
      const pipe = new PassThrough();
      for (const piece of pieces) pipe.write(piece);
      const sources = documentsIn(pipe, { format });
      const first = await sources.next();
      expect(first.done === true ? undefined : await textOf(first.value)).toBe(expected);
      await sources.return(undefined);
      expect(pipe.destroyed).toBe(true);
    }
  });

  it('takes another encoding for what it is, though plain lines were given before it came', async () => {
    const german = Array.from(
      { length: 40 },
      (_, n) => `{"text":"Gr\u00fc\u00dfe aus K\u00f6ln, die ${String(n)}te, sch\u00f6ne M\u00fchle"}\n`,
    ).join('');
    const pieces = [Buffer.from('{"text":"one"}\n'), Buffer.from('{"text":"two"}\n'), Buffer.from(german, 'latin1')];
    const found = await all(Readable.from(pieces, { objectMode: false }), { format: 'jsonl' });
    expect(Object.keys(found)).toHaveLength(42);
    expect([found['stdin:1'], found['stdin:2'], found['stdin:3']]).toEqual([
      'one',
      'two',
      'Gr\u00fc\u00dfe aus K\u00f6ln, die 0te, sch\u00f6ne M\u00fchle',
    ]);
    const damaged = await all(Readable.from([pieces[0], Buffer.alloc(200), Buffer.from('\n{"text":"three"}\n')]), { format: 'jsonl' });
    expect(damaged).toEqual({ 'stdin:1': 'one', 'stdin:2': expect.stringMatching(/^! /) as string, 'stdin:3': 'three' });
  });

  it('ends with the failure of its stream', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"text":"a"}\n'.repeat(10_000));
      await Promise.resolve();
      throw new Error('the other end has gone');
    }
    await expect(all(Readable.from(failing()))).rejects.toMatchObject({
      code: 'unreadable_document',
      message: 'stdin cannot be read: the other end has gone',
    });
  });
});
