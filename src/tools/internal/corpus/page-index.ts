import type { SearchHit } from '../../search-hit.ts';
import type { CorpusPage } from '../../corpus-page.ts';
import { snippetOf } from './snippet-of.ts';
import { wordsOf } from './words.ts';

/** Shorter words begin too many others. */
const shortestPrefix = 4;
const shortestFuzzy = 5;
const editsPerCharacter = 0.2;
const mostEdits = 2;
const snippetChars = 300;
/** A word of the title says more about a page than one in its text. */
const titleBoost = 3;

/** Models ask in sentences. In a small library these words are rare enough to count, and decide nothing. */
const empty = new Set(
  'a an and are as at be by can did do does for from had has have how in is it its of on or that the there this to was were what when where which who whom whose why will with'.split(
    ' ',
  ),
);

/** A full-text index over pages: BM25 over titles and texts, with beginnings of words and small misspellings counting less. Holds the words of all pages, and the pages. */
export interface PageIndex {
  add(page: CorpusPage): void;
  find(query: string, topK: number): readonly SearchHit[];
}

export async function pageIndex(): Promise<PageIndex> {
  const { default: MiniSearch } = await import('minisearch');
  const pages: CorpusPage[] = [];
  const index = new MiniSearch<{ readonly id: number; readonly title: string; readonly text: string }>({
    fields: ['title', 'text'],
    tokenize: (text) => Array.from(wordsOf(text), ({ word }) => word),
    processTerm: (term) => term, // wordsOf has folded it
    searchOptions: {
      boost: { title: titleBoost },
      prefix: (term) => term.length >= shortestPrefix,
      fuzzy: (term) => (term.length >= shortestFuzzy ? editsPerCharacter : false),
      maxFuzzy: mostEdits,
      weights: { prefix: 0.3, fuzzy: 0.2 },
    },
  });
  return {
    add: (page) => {
      index.add({ id: pages.length, title: page.title, text: page.text });
      pages.push(page);
    },
    find: (query, topK) =>
      index
        .search(wordsAsked(query))
        .sort((a, b) => b.score - a.score || (a.id as number) - (b.id as number)) // the same query gives the same order in every process
        .slice(0, topK)
        .flatMap(({ id, terms }) => {
          const page = pages[id as number];
          return page === undefined
            ? []
            : [{ title: page.title, url: page.url, snippet: snippetOf(page.text, new Set(terms), snippetChars) }];
        }),
  };
}

function wordsAsked(query: string): string {
  const words = Array.from(wordsOf(query), ({ word }) => word);
  const full = words.filter((word) => !empty.has(word));
  return [...new Set(full.length > 0 ? full : words)].join(' ');
}
