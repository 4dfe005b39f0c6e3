import { ToolError } from '../../../errors.ts';
import type { WebAnswer } from './web-exchange.ts';

/** What RFC 9309 asks a reader to take at least. */
export const mostRobotsBytes = 512 * 1024;
const mostOrigins = 500;
const keptMs = 3_600_000;
const mostLines = 20_000;
const longestPattern = 2_048;
/** Stars make a pattern's time the product of its length and the path's. */
const mostStars = 8;

/** The package's own types speak of another module than it is. */
interface RobotsParser {
  readonly default: (url: string, rules: string) => { isAllowed(url: string, agent: string): boolean | undefined };
}

interface Kept {
  readonly untilMs: number;
  isAllowed(url: string): boolean;
}

/** What sites allow programs to read (robots.txt, RFC 9309). Holds the rules of 500 origins for an hour, the latest used. */
export class Robots {
  readonly #agent: string;
  readonly #kept = new Map<string, Kept>();

  /** @param agent the product's name, as sites address it */
  constructor(agent: string) {
    this.#agent = agent;
  }

  /**
   * Passes where the site allows the URL: by its rules, and where it has none (4xx).
   * @param fetch brings robots.txt of an origin
   * @throws ToolError `tool_refused` where it does not allow it, `tool_failed` where its rules cannot be read: then nothing is allowed
   */
  async require(url: URL, nowMs: number, fetch: (robots: URL) => Promise<WebAnswer>): Promise<void> {
    let kept = this.#kept.get(url.origin);
    if (kept === undefined || kept.untilMs <= nowMs) {
      kept = { untilMs: nowMs + keptMs, isAllowed: await this.#read(new URL('/robots.txt', url.origin), fetch) };
    }
    this.#kept.delete(url.origin);
    this.#kept.set(url.origin, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostOrigins && oldest !== undefined) this.#kept.delete(oldest);
    if (kept.isAllowed(url.href)) return;
    throw new ToolError(
      'tool_refused',
      `${url.hostname} does not allow programs to read ${JSON.stringify(url.pathname.slice(0, 200))} (its robots.txt)`,
    );
  }

  async #read(robots: URL, fetch: (robots: URL) => Promise<WebAnswer>): Promise<(url: string) => boolean> {
    const { status, body } = await fetch(robots);
    if (status === 429 || status >= 500 || status < 200) {
      throw new ToolError(
        'tool_failed',
        `${robots.hostname} is not read: what it allows is not known, its robots.txt answered ${String(status)}`,
      );
    }
    if (status >= 300) return () => true;
    const { default: parse } = (await import('robots-parser')) as unknown as RobotsParser;
    const rules = parse(robots.href, plainRobots(body.toString('utf8'), this.#agent));
    return (url) => rules.isAllowed(url, this.#agent) !== false;
  }
}

/**
 * The rules that concern `agent`, or everybody, in bounded size: the parser keeps each rule once for each name above it, and 15,000 names above 15,000 rules would take all memory. Names of others stay as one, since
 * the groups end at them.
 */
export function plainRobots(text: string, agent: string): string {
  const lines: string[] = [];
  let named = new Set<string>();
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)) {
    if (lines.length >= mostLines) break;
    const [, field = '', rest = ''] = /^\s*([\w-]+)\s*:\s*([^#]*)/.exec(line) ?? [];
    const value = rest.trim();
    const kind = field.toLowerCase();
    if (kind === 'user-agent') {
      const name = value.toLowerCase().split(/[/\s]/)[0] ?? '';
      const known = name === agent.toLowerCase() || name === '*' ? name : 'other';
      if (!named.has(known)) lines.push(`user-agent: ${known}`);
      named.add(known);
    } else if (kind === 'allow' || kind === 'disallow') {
      named = new Set();
      lines.push(`${kind}: ${bounded(kind, value)}`);
    }
  }
  return lines.join('\n');
}

/** Of a pattern that takes too long what begins it is forbidden, which is more; what it would allow is not. */
function bounded(kind: string, pattern: string): string {
  const parts = pattern.replaceAll(/\*+/g, '*').split('*');
  const isShort = pattern.length <= longestPattern && parts.length <= mostStars + 1;
  if (isShort) return parts.join('*');
  return kind === 'allow'
    ? ''
    : parts
        .slice(0, mostStars + 1)
        .join('*')
        .slice(0, longestPattern);
}
