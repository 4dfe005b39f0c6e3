import { ToolError } from '../../errors.ts';
import type { CorpusPage } from '../corpus-page.ts';
import type { Corpus } from '../local-corpus.ts';
import { type Tool, tool, type ToolContext, type ToolResult } from '../tool.ts';
import { textPage } from './text-page.ts';
import { visitInput, type VisitInput } from './visit-input.ts';
import { type WebPage, readWeb, type WebReaderSettings } from './web/read-web.ts';
import { Robots } from './web/robots.ts';
import type { WebNetwork } from './web/web-network.ts';

export interface VisitSettings {
  readonly corpus: Corpus | undefined;
  /** Undefined: there is no web. */
  readonly web: WebReaderSettings | undefined;
  readonly pageChars: number;
}

/** For the title and what is said about the parts. */
const roomForRemarks = 400;
const mostKept = 8;
const keptMs = 600_000;

/** `web_visit` over a network: the public one, or a test's own. */
export function visitTool(settings: VisitSettings, network: WebNetwork): Tool<VisitInput> {
  const { corpus, web, pageChars } = settings;
  const robots = new Robots(web?.userAgent.split(/[/\s]/)[0] ?? '');
  const kept = new Map<string, { readonly untilMs: number; readonly page: CorpusPage }>();
  const read = async (url: string, reader: WebReaderSettings, { clock, signal }: ToolContext): Promise<WebPage> => {
    const before = kept.get(url);
    if (before !== undefined && before.untilMs > clock.nowMs()) return before.page;
    const page = await readWeb(url, reader, { network, robots, clock, signal });
    if ('movedTo' in page) return page;
    kept.delete(url);
    kept.set(url, { untilMs: clock.nowMs() + keptMs, page });
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    return page;
  };
  return tool({
    name: 'web_visit',
    description:
      'Reads the page at a URL, such as one that web_search has found: its text. Long pages come in parts; page 2 is the second.',
    ...visitInput(),
    run: async ({ url, page = 1 }, context) => {
      const found = corpus?.page(url) ?? (web === undefined ? undefined : await read(url.trim(), web, context));
      if (found === undefined) {
        throw new ToolError(
          'tool_refused',
          `web_visit has no page ${JSON.stringify(url)}; take a URL that web_search has shown, letter by letter`,
        );
      }
      if ('movedTo' in found) return { text: `[this page is at ${found.movedTo} now; visit that]`, source: url.trim() };
      // parts that are cut again by the budget would leave out what stands between them
      return partOf(found, page, Math.max(1, Math.min(pageChars, context.budget.maxChars - roomForRemarks)));
    },
  });
}

function partOf({ url, title, text }: CorpusPage, number: number, pageChars: number): ToolResult {
  const part = textPage(text, number, pageChars);
  const pages = `${String(part.count)} ${part.count === 1 ? 'page' : 'pages'}`;
  if (part.text === undefined) throw new ToolError('tool_refused', `web_visit has no page ${String(number)} of ${url}, which has ${pages}`);
  const heading = title === '' || text.startsWith(title) ? '' : `${title}\n\n`;
  const remark = part.count === 1 ? '' : `\n\n[page ${String(number)} of ${pages}]`;
  return { text: `${heading}${part.text.trim()}${remark}`, source: url };
}
