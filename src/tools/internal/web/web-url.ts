import { isIP } from 'node:net';
import { ToolError } from '../../../errors.ts';

export interface UrlRules {
  /** Hosts that may be asked: `example.org`, `*.example.org` (its subdomains and itself), `*` for each public one. */
  readonly allow: readonly string[];
  readonly ports: readonly number[];
}

const longestUrl = 2_048;
const longestShown = 200;
/** Names that resolve to this machine, to its neighbours, or to what clouds tell their machines, whatever a resolver says of them. */
const innerNames = /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home|corp|private|home\.arpa|onion|test|invalid|example|alt)$/;
const metadataNames = /^(metadata|instance-data|metadata\.(google|goog|azure|packet|platformequinix|tencentyun).*)$/;

const shown = (url: string): string => JSON.stringify(url.replace(/\/\/[^/?#]*@/, '//…@').slice(0, longestShown));
const refused = (url: string, expected: string): ToolError =>
  new ToolError('tool_refused', `web_visit does not read ${shown(url)}: ${expected}`);

/**
 * A URL that may be asked for, by what stands in it: http or https, a public host's name that is allowed, an allowed port, no user or password. What its name resolves to is another question.
 * The host is as the WHATWG parser leaves it, as the client will take it: decimal, octal and hexadecimal addresses are plain ones there, full-width letters are letters.
 * @throws ToolError `tool_refused`, with what was expected
 */
export function webUrl(text: string, rules: UrlRules): URL {
  const given = text.trim();
  if (given.length > longestUrl) throw refused(given, `expected at most ${String(longestUrl)} characters, got ${String(given.length)}`);
  // parsers disagree on these, and the parser here would drop or change them
  if (/[\u0000-\u0020\u007f\\]/.test(given)) throw refused(given, 'expected no spaces, control characters and backslashes');
  if (!URL.canParse(given)) throw refused(given, 'expected an absolute URL such as https://example.org/page');
  const url = new URL(given);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(given, `expected http or https, got ${url.protocol.slice(0, 20)}`);
  if (url.username !== '' || url.password !== '') throw refused(given, 'expected no user and no password in it');
  url.hash = '';
  url.hostname = url.hostname.replace(/\.+$/, '');
  requireHost(given, url, rules.allow);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (!rules.ports.includes(port)) throw refused(given, `expected port ${rules.ports.join(' or ')}, got ${String(port)}`);
  return url;
}

function requireHost(given: string, url: URL, allow: readonly string[]): void {
  const host = url.hostname;
  const isAddress = host.startsWith('[') || isIP(host) !== 0;
  // a public site has a name, which can be allowed
  if (isAddress) throw refused(given, 'expected the name of a host, got an address');
  if (innerNames.test(host) || metadataNames.test(host) || !/[^.]\.[^.]/.test(host)) {
    throw refused(given, `expected a public host, got ${host === '' ? 'none' : JSON.stringify(host.slice(0, longestShown))}`);
  }
  if (!allow.some((pattern) => isAllowed(host, pattern))) {
    throw refused(given, `its host is not allowed here; allowed: ${allow.slice(0, 10).join(', ')}${allow.length > 10 ? ', …' : ''}`);
  }
}

function isAllowed(host: string, pattern: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') ? host === pattern.slice(2) || host.endsWith(pattern.slice(1)) : host === pattern;
}
