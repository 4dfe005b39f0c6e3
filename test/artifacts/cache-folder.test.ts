import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cacheFolder } from '../../src/artifacts/cache-folder.ts';

const home = join(homedir(), '.cache', 'millrace');

it.each([
  { env: {}, folder: home },
  { env: { XDG_CACHE_HOME: '/x' }, folder: join('/x', 'millrace') },
  { env: { XDG_CACHE_HOME: 'relative' }, folder: home },
  { env: { XDG_CACHE_HOME: '' }, folder: home },
  { env: { XDG_CACHE_HOME: '/x', MILLRACE_CACHE: '/own' }, folder: '/own' },
  { env: { MILLRACE_CACHE: '' }, folder: home },
])('$env means $folder', ({ env, folder }) => {
  expect(cacheFolder(env)).toBe(folder);
});
