import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pdfFile } from './pdf-file.ts';

export interface HardFolder {
  readonly dir: string;
  /** Ids of documents that can be read, in order, with something that their text contains. */
  readonly readable: Readonly<Record<string, string>>;
  /** Ids of documents that cannot, with something that the error's message contains. */
  readonly unreadable: Readonly<Record<string, string>>;
  /** Ids whose texts are alike. */
  readonly duplicates: readonly string[];
}

const russian = 'Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. ';
const windows1251 = (text: string): Buffer =>
  Buffer.from(
    Array.from(text, (letter) => (letter >= 'А' && letter <= 'я' ? letter.charCodeAt(0) - 0x410 + 0xc0 : letter.charCodeAt(0) & 0x7f)),
  );
const hugeUnits = 2_000_000;

/**
 * A folder of what people have: documents of all kinds among empty, huge, binary, mis-encoded, damaged and hostile ones, rows with faults, links, a FIFO. All of it is small but `huge.txt` (2 MB).
 * The caller removes `dir`.
 */
export async function hardFolder(): Promise<HardFolder> {
  const outer = await mkdtemp(join(tmpdir(), 'millrace-hard-'));
  const dir = join(outer, 'pile');
  await mkdir(join(dir, 'deep/er'), { recursive: true });
  const put = (name: string, content: string | Buffer): Promise<void> => writeFile(join(dir, name), content);
  await put('bom.txt', '\ufefftext behind a mark');
  await put('deep/er/page.html', '<title>Page</title><script>no()</script><p>text of a page</p><!-- never closed');
  await put('deep/notes.md', '---\ntitle: Notes\n---\n# Notes\n\nsome *marked* text');
  await put('duplicate-1.txt', 'the same text');
  await put('duplicate-2.txt', 'the same text');
  await put('empty.txt', '');
  await put('huge.txt', 'The mill stands by the river. '.repeat(hugeUnits / 30));
  await put('page.pdf', pdfFile({ pages: [['text of a PDF']] }));
  await put('packed.txt.gz', gzipSync('text that was packed'));
  await put('rows.csv', 'text;year\r\n"a row; with\r\nquotes";1850\r\ntoo;many;fields\r\nlast row;1851\r\n');
  await put('rows.jsonl', '{"text": "row of JSON"}\n{"text": broken}\n\n{"text": "row behind it"}');
  await put('russian.txt', windows1251(russian.repeat(3)));
  await put('wide.txt', Buffer.from('text in two bytes a letter', 'utf16le'));
  await put('word.txt', 'x'.repeat(100_000));
  await symlink(join(dir, 'deep/notes.md'), join(dir, 'zz-link.md'));
  await symlink(dir, join(dir, 'deep/loop'));

  await put('cut.txt.gz', gzipSync('text that was cut off'.repeat(50)).subarray(0, 30));
  await put('damaged.pdf', '%PDF-1.7\nnothing behind it');
  await put('picture.txt', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
  await put('program', Buffer.from('7f454c46020101000000000000000000', 'hex'));
  await writeFile(join(outer, 'secret.txt'), 'not in the folder');
  await symlink(join(outer, 'secret.txt'), join(dir, 'outside.txt'));
  await symlink(join(dir, 'nowhere'), join(dir, 'broken-link.txt'));
  execFileSync('mkfifo', [join(dir, 'pipe.txt')]);
  await put('.hidden.txt', 'nobody asks for it');
  await put('forbidden.txt', 'nobody may read it');
  await chmod(join(dir, 'forbidden.txt'), 0);
  const isRoot = process.getuid?.() === 0; // who may read everything
  return {
    dir,
    readable: {
      ...{ 'bom.txt': 'text behind a mark', 'deep/er/page.html': 'text of a page', 'deep/notes.md': 'some marked text' },
      ...{ 'duplicate-1.txt': 'the same text', 'duplicate-2.txt': 'the same text', 'empty.txt': '' },
      ...(isRoot ? { 'forbidden.txt': 'nobody may read it' } : {}),
      ...{ 'huge.txt': 'by the river', 'packed.txt.gz': 'text that was packed', 'page.pdf': 'text of a PDF' },
      ...{
        'rows.csv:2': 'a row; with\r\nquotes',
        'rows.csv:5': 'last row',
        'rows.jsonl:1': 'row of JSON',
        'rows.jsonl:4': 'row behind it',
      },
      ...{ 'russian.txt': 'Все счастливые', 'wide.txt': 'text in two bytes a letter', 'word.txt': 'xxx', 'zz-link.md': 'some marked text' },
    },
    unreadable: {
      ...{ 'broken-link.txt': 'ENOENT', 'cut.txt.gz': 'cut off', 'damaged.pdf': 'damaged beyond reading' },
      ...(isRoot ? {} : { 'forbidden.txt': 'may not read it' }),
      ...{ 'outside.txt': 'outside of the folder', 'picture.txt': 'a PNG image', 'pipe.txt': 'a FIFO', program: 'a program (ELF)' },
      ...{ 'rows.csv:4': 'expected 2 fields as in the header, got 3', 'rows.jsonl:2': 'expected a line of JSON' },
    },
    duplicates: ['duplicate-1.txt', 'duplicate-2.txt'],
  };
}
