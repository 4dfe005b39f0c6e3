import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseOptions, type ICruiseResult } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importCases, notYet } from './import-cases.ts';
import { expandPattern } from './patterns.ts';

const root = join(import.meta.dirname, '../..');
const options: ICruiseOptions = await extractOptions(join(root, '.dependency-cruiser.cjs'));
const rules = options.ruleSet?.forbidden ?? [];
const ruleNames = rules.map((rule) => rule.name ?? '').sort();

/** The names of the rules that a tree breaks. */
async function broken(baseDir: string, files: readonly string[]): Promise<string[]> {
  const { output } = await cruise([...files], { ...options, baseDir, validate: true, outputType: 'json' }, { bustTheCache: true });
  const result = JSON.parse(output as string) as ICruiseResult;
  return [...new Set(result.summary.violations.map((violation) => violation.rule.name))];
}

describe('each import rule catches what it forbids', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-imports-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has a case for every rule', () => {
    expect(Object.keys(importCases).sort()).toEqual(ruleNames);
  });

  it.each(Object.entries(importCases))('%s', async (rule, files) => {
    const base = join(folder, rule);
    for (const [file, imports] of Object.entries(files)) {
      await mkdir(dirname(join(base, file)), { recursive: true });
      await writeFile(join(base, file), `${imports.map((one) => `import '${one}';`).join('\n')}\n`);
    }
    await symlink(join(root, 'node_modules'), join(base, 'node_modules'));
    await writeFile(join(base, 'tsconfig.json'), '{}');
    expect(await broken(base, Object.keys(files))).toEqual([rule]);
  });
});

describe('each part of a rule matches files of the tree', () => {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'src', 'operators', 'pipelines', 'test'], {
    cwd: root,
  });
  const files = listed.toString().trimEnd().split('\n');
  const patterns = new Set<string>();
  for (const rule of rules) {
    const to = 'to' in rule ? rule.to : {};
    for (const given of [rule.from.path, rule.from.pathNot, to.path, to.pathNot]) {
      for (const pattern of [given ?? []].flat()) for (const part of expandPattern(pattern)) patterns.add(part);
    }
  }
  const ours = [...patterns].filter((pattern) => /^\^?(src|operators|pipelines|test)\b|state/.test(pattern));

  it('reads the rules and the tree', () => {
    expect(ours.length).toBeGreaterThan(20);
    expect(files.length).toBeGreaterThan(20);
  });

  it.each(ours)('%s', (pattern) => {
    const matches = files.some((file) => new RegExp(pattern).test(file));
    // what is listed as not yet there must be taken off the list when it comes
    expect(matches).toBe(!(pattern in notYet));
  });

  it('lists nothing as not yet there that no rule speaks of', () => {
    expect(Object.keys(notYet).filter((pattern) => !ours.includes(pattern))).toEqual([]);
  });
});
