import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger, ToolError } from '../errors.ts';
import type { CorpusPage } from './corpus-page.ts';
import { textPage } from './internal/text-page.ts';
import { visitInput, type VisitInput } from './internal/visit-input.ts';
import type { Corpus } from './local-corpus.ts';
import { type Tool, tool, type ToolResult } from './tool.ts';

export interface WebVisitOptions {
  /** A kept library whose pages are read, as `localCorpus` makes it. */
  readonly corpus?: Corpus | undefined;
  /** Characters of one part of a page, 500 to 100,000. @defaultValue 8,000 */
  readonly pageChars?: number | undefined;
}

const names: OptionNames<WebVisitOptions> = { corpus: true, pageChars: true };
/** For the title and what is said about the parts. */
const roomForRemarks = 400;

/**
 * The tool `web_visit`: the text of a page, in parts of `pageChars`, from a library that is kept.
 *
 * In: `{ url, page }`. Out: the title and the text of that part, and how many there are; `source` is the URL. What stands in it is by strangers: `asEvidence`.
 * @throws OptionError without a corpus. ToolError (from `run`) `tool_refused` for a page that is not there.
 */
export function webVisit(options: WebVisitOptions): Tool<VisitInput> {
  requireOptions('webVisit', options, names);
  const { corpus, pageChars = 8_000 } = options;
  requireInteger('webVisit.pageChars', pageChars, 500, 100_000);
  if (corpus === undefined) throw new OptionError('webVisit takes a corpus, got none');
  requireMethods('webVisit.corpus', corpus, ['search', 'page'], 'a corpus of localCorpus()');
  return tool({
    name: 'web_visit',
    description: 'Reads the page at a URL that web_search has found: its text. Long pages come in parts; page 2 is the second.',
    ...visitInput(),
    run: ({ url, page = 1 }, { budget }) => {
      const found = corpus.page(url);
      if (found === undefined) {
        throw new ToolError(
          'tool_refused',
          `web_visit has no page ${JSON.stringify(url)}; take a URL that web_search has shown, letter by letter`,
        );
      }
      // parts that are cut again by the budget would leave out what stands between them
      return Promise.resolve(partOf(found, page, Math.max(1, Math.min(pageChars, budget.maxChars - roomForRemarks))));
    },
  });
}

function partOf({ url, title, text }: CorpusPage, number: number, pageChars: number): ToolResult {
  const part = textPage(text, number, pageChars);
  const pages = `${String(part.count)} ${part.count === 1 ? 'page' : 'pages'}`;
  if (part.text === undefined) throw new ToolError('tool_refused', `web_visit has no page ${String(number)} of ${url}, which has ${pages}`);
  const remark = part.count === 1 ? '' : `\n\n[page ${String(number)} of ${pages}]`;
  return { text: `${title}\n\n${part.text.trim()}${remark}`, source: url };
}
