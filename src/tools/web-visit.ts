import { type OptionNames, requireMethods, requireOptions } from '../check-options.ts';
import { OptionError, requireInteger } from '../errors.ts';
import type { VisitInput } from './internal/visit-input.ts';
import { visitTool } from './internal/visit-tool.ts';
import { publicNetwork } from './internal/web/web-network.ts';
import type { Corpus } from './local-corpus.ts';
import type { Tool } from './tool.ts';

export interface WebVisitOptions {
  /** A kept library whose pages are read, as `localCorpus` makes it. */
  readonly corpus?: Corpus | undefined;
  /** Hosts on the web that may be read: `example.org`, `*.example.org` (with those below it), or `*` for each public one. @defaultValue none */
  readonly allow?: readonly string[] | undefined;
  /** Ports of URLs. @defaultValue 80 and 443 */
  readonly ports?: readonly number[] | undefined;
  /** For all that one visit takes, in ms. @defaultValue 20,000 */
  readonly timeoutMs?: number | undefined;
  /** Of a page, packed and unpacked; longer ones are refused. @defaultValue 4,194,304 (4 MiB) */
  readonly maxBytes?: number | undefined;
  /** What sites are told of who reads; its first word is looked for in their robots.txt. Say where you can be reached. @defaultValue millrace */
  readonly userAgent?: string | undefined;
  /** Characters of one part of a page, 500 to 100,000. @defaultValue 8,000 */
  readonly pageChars?: number | undefined;
}

const names: OptionNames<WebVisitOptions> = {
  ...{ corpus: true, allow: true, ports: true, timeoutMs: true, maxBytes: true, userAgent: true, pageChars: true },
};
const mebibyte = 1024 * 1024;
const hostForm = /^(\*|(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{2,63})$/;
const agentForm = /^[A-Za-z][\w-]{0,40}([/ ][ -~]{0,200})?$/;

/**
 * The tool `web_visit`: the text of a page, in parts of `pageChars`, from a library that is kept, or from the web behind a list of allowed hosts.
 *
 * Of the web: http and https alone, names and no addresses, public addresses alone; a name is resolved once and the connection goes to what was checked. A redirect within a host is followed, each hop checked; one to
 * another host is told. What robots.txt forbids is not read, nor is a site whose robots.txt cannot be. No cookies, no credentials, no proxies of the environment.
 *
 * In: `{ url, page }`. Out: the title and the text of that part, and how many there are; `source` is the URL. What stands in it is by strangers: `asEvidence`. Holds the texts of 8 pages for ten minutes, and the rules of
 * 500 sites for an hour.
 * @throws OptionError without a corpus and allowed hosts, and for options outside their ranges. ToolError (from `run`) `tool_refused` for what must not or cannot be read, `tool_failed` where a site did not answer.
 * TimeoutError after `timeoutMs`.
 */
export function webVisit(options: WebVisitOptions): Tool<VisitInput> {
  requireOptions('webVisit', options, names);
  const {
    corpus,
    allow,
    ports = [80, 443],
    timeoutMs = 20_000,
    maxBytes = 4 * mebibyte,
    userAgent = 'millrace',
    pageChars = 8_000,
  } = options;
  requireInteger('webVisit.pageChars', pageChars, 500, 100_000);
  requireInteger('webVisit.timeoutMs', timeoutMs, 1);
  requireInteger('webVisit.maxBytes', maxBytes, 1, 64 * mebibyte);
  requireHosts(allow);
  requirePorts(ports);
  if (typeof userAgent !== 'string' || !agentForm.test(userAgent)) {
    throw new OptionError(
      `webVisit.userAgent must be a name, perhaps with '/', version and contact behind it, got ${JSON.stringify(userAgent)}`,
    );
  }
  if (corpus === undefined && allow === undefined) throw new OptionError('webVisit takes a corpus, allowed hosts, or both, got neither');
  if (corpus !== undefined) requireMethods('webVisit.corpus', corpus, ['search', 'page'], 'a corpus of localCorpus()');
  const web = allow === undefined ? undefined : { allow: [...allow], ports: [...ports], timeoutMs, maxBytes, userAgent };
  return visitTool({ corpus, web, pageChars }, publicNetwork);
}

function requireHosts(allow: unknown): void {
  if (allow === undefined) return;
  if (!Array.isArray(allow) || allow.length === 0) throw new OptionError('webVisit.allow must be a list of hosts with one at least');
  const wrong = (allow as readonly unknown[]).find((host) => typeof host !== 'string' || !hostForm.test(host));
  if (wrong === undefined) return;
  throw new OptionError(
    `webVisit.allow must hold names of hosts in lower case such as example.org, *.example.org or * (others in Punycode, without ports), got ${JSON.stringify(wrong)}`,
  );
}

function requirePorts(ports: unknown): void {
  if (!Array.isArray(ports) || ports.length === 0) throw new OptionError('webVisit.ports must be a list of ports with one at least');
  for (const port of ports as readonly unknown[]) requireInteger('webVisit.ports', port, 1, 65_535);
}
