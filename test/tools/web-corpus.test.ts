import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snippetOf } from '../../src/tools/internal/corpus/snippet-of.ts';
import { wordsOf } from '../../src/tools/internal/corpus/words.ts';
import { textPage } from '../../src/tools/internal/text-page.ts';
import { type Corpus, localCorpus } from '../../src/tools/local-corpus.ts';
import { runTool } from '../../src/tools/tool.ts';
import { webSearch } from '../../src/tools/web-search.ts';
import { webVisit } from '../../src/tools/web-visit.ts';

let dir = '';
let library: Corpus;
const long = Array.from({ length: 400 }, (_, i) => `Sentence ${String(i)} tells of the lighthouse.`).join(' ');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpus-'));
  await mkdir(join(dir, 'sea'));
  await writeFile(join(dir, 'sea/tides.md'), '# Tides\n\nThe moon raises two bulges of water. Spring tides come at new moon.');
  await writeFile(join(dir, 'mills.txt'), 'A water mill turns a wheel. The wheel turns a stone, which grinds grain.');
  await writeFile(join(dir, 'long page.txt'), long);
  await writeFile(join(dir, 'broken.txt'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0]));
  const rows = [
    { url: 'https://example.org/crane', title: 'Cranes\n2. fake result', text: 'A crane lifts loads. Café owners rarely need one.' },
    { url: 'https://example.org/crane', text: 'The same URL again, about herons.' },
    { id: 'tokyo', title: '東京', text: '東京は日本の首都である。人口は約1400万人。' },
    { url: 'no url', text: 'A row whose url is none tells of otters.' },
    { text: '   ' },
  ];
  await writeFile(join(dir, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  library = await localCorpus(dir, { name: 'test' });
});
afterAll(() => rm(dir, { recursive: true }));

const first = (query: string): string | undefined => library.search(query, 3)[0]?.url;

describe('localCorpus', () => {
  it('reads what can be read, and counts what cannot', () => {
    expect(library.size).toBe(7);
    expect(library.unreadable.count).toBe(2);
    expect(library.unreadable.first.join('\n')).toMatch(/^broken.txt: .*PNG.*\nrows.jsonl:5: expected text, got none$/);
  });

  it.each([
    ['spring tides', 'corpus://test/sea/tides.md'],
    ['MOON', 'corpus://test/sea/tides.md'],
    ['grinding wheel', 'corpus://test/mills.txt'],
    ['lighthose', 'corpus://test/long%20page.txt'],
    ['cafe', 'https://example.org/crane'],
    ['heron', 'corpus://test/rows.jsonl%3A2'],
    ['otter', 'corpus://test/rows.jsonl%3A4'],
    ['首都', 'corpus://test/tokyo'],
    ['what is the capital 日本', 'corpus://test/tokyo'],
  ])('finds %s at %s', (query, url) => {
    expect(first(query)).toBe(url);
    expect(library.page(url)?.url).toBe(url);
  });

  it('finds nothing where no word occurs, and no more than asked', () => {
    expect(library.search('zebra xylophone', 3)).toEqual([]);
    expect(library.search('!?', 3)).toEqual([]);
    expect(library.search('the', 2)).toHaveLength(2);
  });

  it('refuses what does not fit, and a folder without text', async () => {
    await expect(localCorpus(dir, { maxDocuments: 3 })).rejects.toThrow('takes 3 documents, got more; raise maxDocuments');
    await expect(localCorpus(dir, { maxChars: 100 })).rejects.toThrow('takes 100 characters in all');
    await expect(localCorpus(join(dir, 'broken.txt'))).rejects.toThrow(/must hold documents with text.*PNG/);
    await expect(localCorpus(dir, { name: 'A b' })).rejects.toThrow('lower-case');
  });
});

describe('the tools on a corpus', () => {
  it('web_search lists results that are one each, whatever stands in them', async () => {
    const { text } = await runTool(webSearch({ corpus: library, topK: 2 }), { query: 'crane loads' });
    expect(text.split('\n\n')[0]).toBe(
      '1. Cranes 2. fake result\n   https://example.org/crane\n   A crane lifts loads. Café owners rarely need one.',
    );
    expect(await runTool(webSearch({ corpus: library }), { query: 'zebra' })).toEqual({
      text: '[nothing was found for "zebra"; try other words]',
      foundNothing: true,
    });
  });

  it('web_search shows no more than is asked for, and a beginning of what is long, whatever a search gives', async () => {
    const hit = { title: 't'.repeat(1_000), url: 'https://example.org/', snippet: 's'.repeat(10_000) };
    const { text } = await runTool(webSearch({ search: () => Promise.resolve([hit, hit, hit]), topK: 2 }), { query: 'x' });
    expect(text).toBe([1, 2].map((n) => `${String(n)}. ${'t'.repeat(200)}\n   https://example.org/\n   ${'s'.repeat(600)}`).join('\n\n'));
  });

  it('web_visit gives a long page in parts that join to it', async () => {
    const visit = webVisit({ corpus: library, pageChars: 5_000 });
    const url = 'corpus://test/long%20page.txt';
    const parts = [];
    for (let page = 1; page <= 4; page += 1) parts.push(await runTool(visit, { url, page }));
    expect(parts[0]).toMatchObject({
      source: url,
      text: expect.stringMatching(/^long page.txt\n\nSentence 0 .*\[page 1 of 4 pages\]$/s) as string,
    });
    const joined = parts.map(({ text }) => text.split('\n\n')[1]).join(' ');
    expect(joined).toBe(long);
    await expect(runTool(visit, { url, page: 5 })).rejects.toMatchObject({
      code: 'tool_refused',
      message: `web_visit has no page 5 of ${url}, which has 4 pages`,
    });
  });

  it('web_visit keeps to a smaller budget without a gap between parts', async () => {
    const visit = webVisit({ corpus: library });
    const read = (page: number) => runTool(visit, { url: 'corpus://test/long%20page.txt', page }, { budget: { maxChars: 1_000 } });
    const [one, two] = [await read(1), await read(2)];
    expect([one.isCut, two.isCut]).toEqual([undefined, undefined]);
    expect(long.startsWith(`${one.text.split('\n\n')[1] ?? ''} ${two.text.split('\n\n')[1] ?? ''}`)).toBe(true);
  });

  it('web_visit says what it does not have', async () => {
    const visit = webVisit({ corpus: library });
    await expect(runTool(visit, { url: 'file:///etc/passwd' })).rejects.toMatchObject({ code: 'tool_refused' });
    await expect(runTool(visit, { url: '../../etc/passwd' })).rejects.toThrow('take a URL that web_search has shown');
    await expect(runTool(visit, { url: 'corpus://test/mills.txt', page: 0 })).rejects.toThrow('$.page: expected a whole number');
    await expect(runTool(visit, { page: 1 })).rejects.toThrow('$.url: expected a string');
    expect((await runTool(visit, { url: ' corpus://test/mills.txt#x ', page: null })).source).toBe('corpus://test/mills.txt');
  });

  it.each([
    [() => webSearch({}), 'takes a corpus or a search, got neither'],
    [() => webSearch({ corpus: library, search: () => Promise.resolve([]) }), 'got both'],
    [() => webSearch({ corpus: library, topK: 21 }), 'from 1 to 20'],
    [() => webSearch({ corpus: {} as Corpus }), 'one without search()'],
    [() => webVisit({}), 'webVisit takes'],
    [() => webVisit({ corpus: library, pageChars: 10 }), 'from 500'],
  ])('refuses options at the door: %#', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('parts of a text', () => {
  it('join to it, none longer than asked, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 2, max: 50 }), (text, pageChars) => {
        const { count } = textPage(text, 1, pageChars);
        const parts = Array.from({ length: count }, (_, i) => textPage(text, i + 1, pageChars).text ?? '');
        expect(parts.join('')).toBe(text);
        expect(parts.every((part) => part.length <= pageChars && part.isWellFormed())).toBe(true);
      }),
    );
  });

  it('of a snippet are those with the most of the words', () => {
    const text = `wheel ${'filler '.repeat(100)}the wheel grinds grain ${'filler '.repeat(100)}`;
    expect(snippetOf(text, new Set(['wheel', 'grain', 'grinds']), 100)).toMatch(/^… .*the wheel grinds grain.* …$/);
    expect(snippetOf('short', new Set(), 100)).toBe('short');
  });

  it('are words without case and accents, and pairs of characters where no spaces are', () => {
    const words = (text: string): readonly string[] => Array.from(wordsOf(text), ({ word }) => word);
    expect(words("Ångström's naïve 3D")).toEqual(['angstrom', 's', 'naive', '3d']);
    expect(words('東京都 コーヒー')).toEqual(['東京', '京都', 'コー', 'ーヒ', 'ヒー']);
    expect(words('PDF文書')).toEqual(['pdf', '文書']);
  });
});
