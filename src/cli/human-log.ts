import { visible } from './terminal-output.ts';

/** A line of the log as people read it; what is not one of our JSON lines stays as it is. */
export function humanLog(line: string): string {
  const parsed = parse(line);
  if (parsed === undefined) return visible(line.trimEnd());
  const { level, time, msg, ...details } = parsed;
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const rest = Object.entries(details).map(
    ([name, value]) => `${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  return visible([clock, String(level).toUpperCase().padEnd(5), String(msg), ...rest].join(' '));
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
