import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The packages that a process has loaded after importing `specifier`, in a Node of its own. */
function packagesLoadedBy(specifier: string): string[] {
  const script = `
    import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ resolve(name, context, next) {
      const found = next(name, context);
      const vendor = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(found.url)?.[1];
      if (vendor !== undefined) seen.add(vendor);
      return found;
    } });
    await import(${JSON.stringify(specifier)});
    process.stdout.write(JSON.stringify([...seen]));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root }).toString()) as string[];
}

const heavy = [
  'kafkajs',
  'node-llama-cpp',
  'openai',
  'avsc',
  'ajv',
  'ajv-formats',
  'commander',
  'ora',
  'yaml',
  'zod',
  'prom-client',
  'chardet',
  'fastify',
  'htmlparser2',
  'hyparquet',
  'unpdf',
  'minisearch',
  'robots-parser',
  '@modelcontextprotocol/sdk',
];

describe('importing the library loads no vendor that is not used', () => {
  it.each(['millrace', 'millrace/operators', 'millrace/parallel', 'millrace/testing', 'millrace/tools'])('%s', (specifier) => {
    expect(packagesLoadedBy(specifier).filter((name) => heavy.includes(name))).toEqual([]);
  });

  it('would see one that is', () => {
    expect(packagesLoadedBy('kafkajs')).toContain('kafkajs');
  });
});
