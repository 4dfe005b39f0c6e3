import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readDocument, type ReadDocumentOptions } from '../../src/text/read-document.ts';
import { pdfFile, pdfOf, streamOf } from '../helpers/pdf-file.ts';

const html = (text: string, options: ReadDocumentOptions = {}): ReturnType<typeof readDocument> =>
  readDocument(Buffer.from(text), { mediaType: 'text/html', ...options });
const markdown = async (text: string): Promise<string> => (await readDocument(Buffer.from(text), { name: 'a.md' })).text;

describe('readDocument', () => {
  it.each([
    ['notes.txt', 'plain *text*', 'text/plain', 'plain *text*'],
    ['notes', '<!doctype html><p>page', 'text/html', 'page'],
    ['notes.txt', '<html><p>page', 'text/html', 'page'],
    ['a.MD', '# *Head*', 'text/markdown', 'Head'],
    ['a.HTM', '<p>page', 'text/html', 'page'],
    ['data.json', '{"a": 1}', 'text/plain', '{"a": 1}'],
  ])('takes %s with %j for %s', async (name, text, mediaType, read) => {
    expect(await readDocument(Buffer.from(text), { name })).toMatchObject({ mediaType, text: read, encoding: 'utf-8', warnings: [] });
  });

  it('says what it replaced, and that a name is wrong', async () => {
    expect(await readDocument(Buffer.from('C3A9C3A9C3A9C3A9FF', 'hex'), { name: 'a.pdf' })).toEqual({
      text: 'éééé\ufffd',
      mediaType: 'text/plain',
      encoding: 'utf-8',
      warnings: ['the name says PDF, but it is text/plain', '1 places are no utf-8 and were replaced'],
    });
  });

  it.each([[{ maxBytes: 3 }, 'expected a document of at most 3 bytes, got one of 4; split it, or raise maxBytes']])(
    'refuses what is too large',
    async (options, message) => {
      await expect(readDocument(Buffer.from('text'), options)).rejects.toMatchObject({ code: 'unreadable_document', message });
    },
  );

  it('refuses a picture, whatever its name', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    await expect(readDocument(png, { name: 'a.html' })).rejects.toMatchObject({
      code: 'unreadable_document',
      message: expect.stringContaining('got a PNG image') as string,
    });
  });
});

describe('readDocument of HTML', () => {
  it.each([
    ['blocks', '<h1>One</h1><p>two\n  three<br>four</p><div>five</div><div>six</div>', 'One\n\ntwo three\nfour\n\nfive\nsix'],
    ['inline marks', '<p>a<b>b</b> <i>c</i>&nbsp;d</p>', 'ab c\u00a0d'],
    ['entities', '<p>&lt;b&gt; &amp; &eacute; &#x1F600; &bogus; &copy', '<b> & é 😀 &bogus; ©'],
    [
      'what is not for readers',
      '<style>p{}</style><script>if (a < b) "</p>"</script><nav><ul><li>Home</ul></nav><p>text<svg><text>x</text></svg>',
      'text',
    ],
    ['lists', '<ul><li>a<li>b<ol><li>c</li><li>d</li></ol></ul><p>e', '- a\n- b\n  1. c\n  2. d\n\ne'],
    ['tables', '<table><tr><th>a<th>b<tr><td>1<td><p>2</table>f', 'a | b\n1 |\n\n2\n\nf'],
    ['verbatim text', '<pre>a\n  b\n\nc</pre>', 'a\n  b\n\nc'],
    ['pictures', '<p>see <img alt="the &amp; mill" src=x>', 'see the & mill'],
    ['comments', 'a<!-- b -->c<!---->d<![CDATA[e]]>f', 'acdf'],
    ['malformed tags', '<p>a < b <3 <p class="x>y">c</q></p>', 'a < b <3\n\nc'],
  ])('reads %s', async (_, page, text) => {
    expect((await html(page)).text).toBe(text);
  });

  it('finds the title', async () => {
    expect(await html('<html><head><title>The &amp; mill</title></head><body>x</body>')).toMatchObject({ title: 'The & mill', text: 'x' });
  });

  it('keeps the rest of a page where navigation is never closed', async () => {
    expect((await html('<nav><a>Home</a><p>all of the text')).text).toContain('all of the text');
  });

  it.each([
    [
      'a comment that is never closed',
      '<p>text</p><!-- the rest',
      'text',
      'the last 9 characters are within a comment or tag that does not end; they are left out',
    ],
    [
      'a tag that is never closed',
      '<p>text</p><a href="the rest',
      'text',
      'the last 17 characters are within a comment or tag that does not end; they are left out',
    ],
  ])('says what %s costs', async (_, page, text, warning) => {
    expect(await html(page)).toMatchObject({ text, warnings: [warning] });
  });

  it.each([
    ['100,000 tags within each other', `${'<div>'.repeat(100_000)}deep${'</div>'.repeat(100_000)}`, 'deep'],
    ['100,000 lists within each other', `${'<ul><li>'.repeat(100_000)}deep`, 'deep'],
    ['100,000 tags that end what never began', `${'</x>'.repeat(100_000)}text`, 'text'],
    ['attributes without end', `<p ${'a=b '.repeat(300_000)}>text`, 'text'],
    ['brackets', `${'<'.repeat(500_000)} text`, 'text'],
    ['entities', `${'&'.repeat(500_000)} text`, 'text'],
    ['halves of comments', `${'<!-'.repeat(200_000)}> text`, 'text'],
  ])('takes %s', async (_, page, text) => {
    expect((await html(page)).text.endsWith(text)).toBe(true);
  });
});

describe('readDocument of Markdown', () => {
  it.each([
    ['headings', '# One #\n\n## Two\nThree\n=====', 'One #\n\nTwo\nThree\n'],
    ['marks', 'a **b** *c* _d_ `e` ~~f~~ snake_case_name 2*3*4', 'a b c d e f snake_case_name 2*3*4'],
    ['links', '[a](http://x) ![b](y.png "t") [c][1] <https://z>\n[1]: http://w', 'a b c https://z'],
    ['code', '```js\nconst a = "**b**";\n# c\n```\nd', 'const a = "**b**";\n# c\nd'],
    ['quotes and lists', '> a\n> > b\n\n* c\n+ d\n1. e', 'a\nb\n\n- c\n- d\n1. e'],
    ['tables', '| a | b |\n|---|:-:|\n| 1 | 2 |', '| a | b |\n| 1 | 2 |'],
    ['front matter', '---\ntitle: "T"\nx: 1\n---\nbody', 'body'],
    ['a rule that is no front matter', '---\nno end', '\nno end'],
  ])('reads %s', async (_, text, plain) => {
    expect(await markdown(text)).toBe(plain);
  });

  it.each([
    ['---\ntitle: "The mill"\n---\n# Other', 'The mill'],
    ['text\n# The *mill*\n# Other', 'The mill'],
  ])('finds the title of %j', async (text, title) => {
    expect(await readDocument(Buffer.from(text), { name: 'a.md' })).toMatchObject({ title });
  });

  it('takes lines that make patterns look back', async () => {
    const text = [
      '['.repeat(50_000),
      '*'.repeat(50_000),
      '`a'.repeat(30_000),
      '[a](' + '('.repeat(50_000),
      '_a'.repeat(30_000),
      '> '.repeat(30_000),
      '|---'.repeat(20_000),
    ].join('\n');
    expect((await markdown(text)).length).toBeGreaterThan(50_000);
  });
});

describe('readDocument of PDF', () => {
  const pages = [['The mill stands', 'by the river (old).'], ['Page two: caf\u00e9.']];

  it.each([false, true])('reads pages and title, packed: %s', async (packed) => {
    expect(await readDocument(pdfFile({ pages, packed, title: 'Mills' }), { name: 'a.pdf' })).toEqual({
      text: 'The mill stands\nby the river (old).\n\nPage two: café.',
      mediaType: 'application/pdf',
      title: 'Mills',
      warnings: [],
    });
  });

  it('reads one that was cut off as far as it goes', async () => {
    const whole = pdfFile({ pages });
    expect((await readDocument(whole.subarray(0, whole.indexOf('startxref')))).text).toContain('The mill stands');
  });

  it.each([
    ['no PDF behind its first line', Buffer.from('%PDF-1.7\nnothing'), /damaged beyond reading \(.+\); leave it out, or write it anew/],
    [
      'an encrypted one',
      pdfOf(
        [
          '<< /Type /Catalog /Pages 2 0 R >>',
          '<< /Type /Pages /Kids [] /Count 0 >>',
          `<< /Filter /Standard /V 1 /R 2 /O <${'41'.repeat(32)}> /U <${'42'.repeat(32)}> /P -4 >>`,
        ],
        '/Encrypt 3 0 R /ID [<00> <00>]',
      ),
      /is encrypted and asks for a password; write it without one/,
    ],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(readDocument(bytes)).rejects.toMatchObject({
      code: 'unreadable_document',
      message: expect.stringMatching(message) as string,
    });
  });

  it('ends one that unpacks to more than it may take', async () => {
    const bomb = deflateSync(Buffer.concat([Buffer.from('BT /F1 12 Tf ('), Buffer.alloc(100 * 1024 * 1024, 'a'), Buffer.from(') Tj ET')]), {
      level: 1,
    });
    const objects = [
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>',
      streamOf(bomb, '/Filter /FlateDecode'),
    ];
    await expect(readDocument(pdfOf(objects), { maxMemoryMb: 64 })).rejects.toMatchObject({
      code: 'unreadable_document',
      message: expect.stringMatching(/takes more than 64 MiB|cannot be read/) as string,
    });
  });

  it('ends one that takes too long, and reads the next', async () => {
    await expect(readDocument(pdfFile({ pages }), { timeoutMs: 1, maxMemoryMb: 300 })).rejects.toMatchObject({
      message: 'the text of this PDF was not found within 1 ms; raise timeoutMs, or leave it out',
    });
    expect((await readDocument(pdfFile({ pages }))).text).toContain('The mill stands');
  });

  it('reads many at once', async () => {
    const files = Array.from({ length: 12 }, (_, index) => pdfFile({ pages: [[`number ${String(index)}`]] }));
    const texts = await Promise.all(files.map(async (file) => (await readDocument(file)).text));
    expect(texts).toEqual(files.map((_, index) => `number ${String(index)}`));
  });

  it.each([
    ['pages that are their own parents', ['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [2 0 R] /Count 1 >>']],
    [
      'a form that draws itself',
      [
        '<< /Type /Catalog /Pages 2 0 R >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>',
        streamOf(Buffer.from('/X Do')),
        streamOf(Buffer.from('/X Do'), '/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>'),
      ],
    ],
    [
      'a length that is a lie',
      [
        '<< /Type /Catalog /Pages 2 0 R >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>',
        '<< /Length 999999999 >>\nstream\nBT (a) Tj ET\nendstream',
      ],
    ],
    ['arrays within each other', ['<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Kids ${'['.repeat(50_000)} /Count 1 >>`]],
  ])('comes to an end with %s', async (_, objects) => {
    const end = await readDocument(pdfOf(objects), { timeoutMs: 5_000 }).then(
      () => 'read',
      (error: unknown) => (error as { readonly code?: string }).code,
    );
    expect(['read', 'unreadable_document']).toContain(end);
  });

  it('says that pictures of text are no text', async () => {
    expect((await readDocument(pdfFile({ pages: [[]] }))).warnings).toEqual([
      'it has no text: its pages may be pictures of text, for which a reader of pictures is needed',
    ]);
  });
});
