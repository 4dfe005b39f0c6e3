import { type OptionNames, requireFunction, requireMethods, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, ToolError } from '../errors.ts';
import { textInput } from './internal/text-input.ts';
import type { Corpus } from './local-corpus.ts';
import type { SearchHit } from './search-hit.ts';
import { type Tool, tool, type ToolContext } from './tool.ts';

/** Asks somebody for pages: the best first, `topK` at most. */
export type SearchFunction = (query: string, topK: number, context: ToolContext) => Promise<readonly SearchHit[]>;

export interface WebSearchOptions {
  /** A kept library that is searched, as `localCorpus` makes it. Either this or `search`. */
  readonly corpus?: Corpus | undefined;
  /** Who is asked on the web: `searchApi({ … })`, or a function of one's own. */
  readonly search?: SearchFunction | undefined;
  /** How many results a model sees, 1 to 20. @defaultValue 5 */
  readonly topK?: number | undefined;
}

const names: OptionNames<WebSearchOptions> = { corpus: true, search: true, topK: true };
const mostCharacters = 400;
const mostResults = 20;
const longest = { title: 200, url: 2_048, snippet: 600 };

/**
 * The tool `web_search`: pages that answer a query, from a library that is kept (`corpus`) or a search service (`search`).
 *
 * In: `{ query }`, 400 characters at most. Out: a numbered list of titles, URLs and parts of the pages, each in one line, `topK` at most; where nothing was found it says so. What stands in it is by strangers: `asEvidence`.
 * Holds nothing.
 * @throws OptionError unless one of `corpus` and `search` is given. ToolError (from `run`): what the service answers that is no result.
 */
export function webSearch(options: WebSearchOptions): Tool<{ readonly query: string }> {
  requireOptions('webSearch', options, names);
  const { corpus, search, topK = 5 } = options;
  requireInteger('webSearch.topK', topK, 1, mostResults);
  if ((corpus === undefined) === (search === undefined)) {
    throw new OptionError(`webSearch takes a corpus or a search, got ${corpus === undefined ? 'neither' : 'both'}`);
  }
  if (corpus !== undefined) requireMethods('webSearch.corpus', corpus, ['search', 'page'], 'a corpus of localCorpus()');
  else requireFunction('webSearch.search', search, '(query, topK, context) => Promise of hits, such as searchApi({ … })');
  const find: SearchFunction = search ?? ((query, most) => Promise.resolve(corpus?.search(query, most) ?? []));
  return tool({
    name: 'web_search',
    description: `Finds pages for a query of a few words: up to ${String(topK)} results, each with its title, URL and a part of it. web_visit reads a page.`,
    ...textInput({ query: { description: 'the words to look for', maxLength: mostCharacters } }),
    run: async ({ query }, context) => {
      const hits = await find(query, topK, context);
      if (!Array.isArray(hits)) throw new ToolError('tool_failed', `web_search expected a list of results, got ${typeof hits}`);
      if (hits.length === 0) return { text: `[nothing was found for ${JSON.stringify(query)}; try other words]`, foundNothing: true };
      return { text: hits.slice(0, topK).map(shown).join('\n\n') };
    },
  });
}

function shown(hit: SearchHit, at: number): string {
  const [title, url, snippet] = [
    inOneLine(hit.title, longest.title),
    inOneLine(hit.url, longest.url),
    inOneLine(hit.snippet, longest.snippet),
  ];
  return [`${String(at + 1)}. ${title === '' ? url : title}`, `   ${url}`, ...(snippet === '' ? [] : [`   ${snippet}`])].join('\n');
}

/** A result must not look like two. */
const inOneLine = (text: unknown, most: number): string =>
  typeof text === 'string'
    ? text
        .slice(0, 4 * most)
        .replaceAll(/\s+/g, ' ')
        .trim()
        .slice(0, most)
        .toWellFormed()
    : '';
