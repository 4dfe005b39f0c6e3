import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder that holds models and demo data for all projects of a user: `MILLRACE_CACHE`, else `millrace` below
 * `XDG_CACHE_HOME`, else `~/.cache/millrace`. A relative XDG_CACHE_HOME is ignored, as its specification asks.
 */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const own = env['MILLRACE_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = env['XDG_CACHE_HOME'];
  return join(shared !== undefined && isAbsolute(shared) ? shared : join(homedir(), '.cache'), 'millrace');
}
