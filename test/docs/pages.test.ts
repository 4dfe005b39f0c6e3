import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as rxjs from 'rxjs';
import { type Block, blocksOf } from './page-blocks.ts';
import { compile, makeFolder, runAll } from './page-folder.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const pagesOfOperators = (await readdir(join(root, 'operators'))).filter((file) => file.endsWith('.md')).map((file) => `operators/${file}`);
const pagesOfModels = ['answering', 'define-prompt', 'label-by-examples', 'openai', 'route', 'server', 'triton'].map(
  (page) => `src/inference/${page}.md`,
);
const pagesOfCodecs = ['src/codec/registry.md', 'src/codec/avro-file.md'];
// src/testing.md shows files, which testing.test.ts compares
const pages = await Promise.all(
  [
    ...pagesOfOperators,
    ...pagesOfModels,
    ...pagesOfCodecs,
    'src/text/text.md',
    'src/tools/tools.md',
    'pipelines/parallel/README.md',
    'README.md',
    'CONTRIBUTING.md',
    'src/DESIGN.md',
    'src/GUARANTEES.md',
    'src/serve/metrics.md',
    'src/service/service.md',
    'src/load/load.md',
  ].map(async (page) => {
    const text = await read(page);
    return { page, text, blocks: blocksOf(page, text) };
  }),
);
const blocks = pages.flatMap((one) => one.blocks);
const programs = blocks.filter(({ kind }) => kind === 'ts run');
const fragments = blocks.filter(({ kind }) => kind === 'ts' || kind === 'ts pipeline');
const fileOf = ({ at }: Block): string => `${at.replaceAll(/[^\w]+/g, '-')}.ts`;
/** The values that an index exports, of the files that `from` begins with. */
const exported = async (index: string, from = ''): Promise<readonly string[]> =>
  [...(await read(index)).matchAll(/^export \{([^}]*)\} from '\.\/([^']*)';/gm)].flatMap(([, names = '', file = '']) =>
    file.startsWith(from)
      ? names
          .split(',')
          .map((name) => name.trim())
          .filter((name) => /^\w+$/.test(name))
      : [],
  );
const operators = await exported('operators/index.ts');
const policies = (await exported('src/index.ts', 'policies/')).filter((name) => name !== 'overloadAnswers'); // a table
const values = await exported('src/index.ts');
const ofParallel = await exported('pipelines/parallel/index.ts');
const trimmed = (text: string): string => text.replaceAll(/[ \t]+$/gm, '').trimEnd();

/** A fragment as a module (of kind `ts pipeline`: what stands in definePipeline): what it speaks of is imported in its first line. */
function moduleOf({ kind, text }: Block, names: string): string {
  const own = new Set(
    [...text.matchAll(/\b(?:const|function) (\w+)|import \{([^}]*)\}/g)].flatMap(([, one, many]) => one ?? many?.split(/[\s,]+/) ?? []),
  );
  const words = new Set(text.match(/\w+/g)?.filter((word) => !own.has(word)));
  const used = (from: Iterable<string>): string => [...from].filter((name) => words.has(name.replace('type ', ''))).join(', ');
  const declared = [...names.matchAll(/^export (?:declare )?(const|function|type) (\w+)/gm)].map(([, what, name = '']) =>
    what === 'type' ? `type ${name}` : name,
  );
  const imports = [
    `import { ${used(Object.keys(rxjs))} } from 'rxjs';`,
    `import { ${used(values.filter((name) => name !== 'definePipeline' || kind === 'ts'))} } from 'millrace';`,
    `import { ${used(operators)} } from 'millrace/operators';`,
    `import { ${used(ofParallel)} } from 'millrace/parallel';`,
    `import { ${used(['z'])} } from 'zod';`,
    `import { ${used(declared)} } from './page-names.ts';`,
  ].join(' ');
  if (kind === 'ts') return `${imports}\n${text}`;
  return `${imports} import { definePipeline } from 'millrace'; import { rest } from './page-names.ts'; definePipeline({ ...rest,\n${text}});`;
}

const places = new Map<string, Block>();
let folder = '';
let printing: Promise<ReadonlyMap<string, string>>;

beforeAll(async () => {
  folder = await makeFolder();
  const names = await read('test/types/page-names.ts');
  for (const block of [...programs, ...fragments]) {
    const file = join(folder, fileOf(block));
    places.set(file, block);
    await writeFile(file, block.kind === 'ts run' ? block.text : moduleOf(block, names));
  }
  printing = runAll(programs.map((block) => join(folder, fileOf(block)))); // beside the compiler, which has a core of its own
  printing.catch(() => undefined); // its test awaits it
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the page of each operator and policy', () => {
  it.each(pagesOfOperators)('%s says what it is for and what bounds it, and shows a diagram and a program', async (page) => {
    const text = await read(page);
    expect(text).toMatch(/^# \w.*\n\n[A-Z]/);
    expect(text).toMatch(/^\*\*Bounds\.\*\*|\. \*\*Bounds\.\*\* /m);
    const kinds = blocksOf(page, text).map(({ kind }) => kind);
    expect(kinds[0], 'the first block is the diagram').toBe('');
    expect(kinds).toContain('ts run');
  });

  it.each([...operators, ...policies])('shows %s in a program', (name) => {
    expect(programs.some(({ text }) => new RegExp(`\\b${name}\\(`).test(text))).toBe(true);
  });

  it('has no block of a kind that nobody checks', () => {
    expect(
      blocks.filter(({ kind }) => !['', 'sh', 'text', 'ts', 'ts run', 'ts pipeline'].includes(kind)).map(({ at, kind }) => `${at} ${kind}`),
    ).toEqual([]);
  });
});

describe('the code on the pages', () => {
  it('compiles', () => {
    const said = compile([...places.keys()]).flatMap(({ file, line, message }) => {
      const block = places.get(file);
      if (!block) return [`${file}: ${message}`];
      const ahead = block.kind === 'ts run' ? 0 : 1; // what a fragment imports is not on its page
      return line > ahead ? [`${block.at}, line ${String(line - ahead)} of it: ${message}`] : [];
    });
    expect(said).toEqual([]);
  }, 120_000);

  it('prints what the pages say', async () => {
    const printed = await printing;
    const runs = programs.map((block) => ({ at: block.at, prints: trimmed(printed.get(fileOf(block)) ?? 'nothing, as it was not run') }));
    expect(runs).toEqual(programs.map(({ at, prints }) => ({ at, prints: prints ?? 'a block of text behind the program' })));
  }, 120_000);
});
