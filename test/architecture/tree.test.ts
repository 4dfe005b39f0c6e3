import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .trimEnd()
  .split('\n')
  .filter((file) => existsSync(join(root, file)));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
/** Where a pattern occurs, as `file:line: text`. */
const findings = (among: readonly string[], pattern: RegExp): string[] =>
  among.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${String(index + 1)}: ${line.trim()}`] : [])),
  );
const thisFile = 'test/architecture/tree.test.ts';
const texts = files.filter(
  (file) => /\.(ts|js|cjs|mjs|json|jsonc|md|yml|yaml|properties|sh)$|^\.[^/]+(\/run)?$/.test(file) && file !== thisFile,
);

describe('the tree', () => {
  it('has four folders at the top, and root files that are known', () => {
    const top = [...new Set(files.map((file) => file.split('/')[0] ?? ''))].filter((entry) => !entry.startsWith('.'));
    const allowed = [
      ...['src', 'operators', 'pipelines', 'test'],
      ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'docker-compose.yml'],
      ...['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
      ...['biome.json', 'eslint.config.js', 'knip.jsonc', 'vitest.config.ts'],
    ];
    expect(top.filter((entry) => !allowed.includes(entry))).toEqual([]);
  });

  it('names no place of one machine', () => {
    // the broker image keeps its log there
    const places = findings(texts, /(^|[^\w.])\/(tmp|work|home|root|Users)\/[A-Za-z0-9]/).filter(
      (line) => !line.includes('/tmp/kafka-logs'),
    );
    expect(places).toEqual([]);
  });

  it('names no registry host', () => {
    expect(findings(['package-lock.json'], /"resolved": "https?:/)).toEqual([]);
    expect(findings(texts, /https?:\/\/[\w.-]*(registry|artifactory|nexus|verdaccio)[\w.-]*\b/i)).toEqual([]);
    expect(read('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
  });

  it('turns no rule off without a reason beside it', () => {
    expect(findings(texts, /eslint-disable(?!.* -- \S)/)).toEqual([]);
    expect(findings(texts, /@ts-(ignore|nocheck)\b/)).toEqual([]);
  });

  it('skips no test without saying what it waits for, and runs none alone', () => {
    expect(findings(texts, /\b(it|test|describe)\.(only|todo)\b|\b(it|test|describe)\.skip\((?!.*reason)/)).toEqual([]);
  });
});

describe('the lock file', () => {
  interface Locked {
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  }

  it('holds the packages of every platform, without which npm ci refuses it', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Locked>> };
    const wanted = Object.entries(packages).flatMap(([at, one]) =>
      Object.keys(one.optionalDependencies ?? {}).map((name) => ({ at, name })),
    );
    const held = ({ at, name }: { readonly at: string; readonly name: string }): boolean =>
      `node_modules/${name}` in packages || `${at}/node_modules/${name}` in packages;
    expect(wanted.length).toBeGreaterThan(20);
    expect(wanted.filter((one) => !held(one))).toEqual([]);
  });
});

describe('operators', () => {
  const operators = files.filter((file) => /^operators\/[^/]+\.ts$/.test(file) && file !== 'operators/index.ts');
  const camel = (file: string): string => basename(file, '.ts').replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

  it('are there', () => {
    expect(operators.length).toBeGreaterThan(10);
  });

  it.each(operators)('%s has its page and its test, and is exported by its name', (file) => {
    expect(files).toContain(file.replace(/\.ts$/, '.md'));
    expect(files).toContain(`test/${file.replace(/\.ts$/, '.test.ts')}`);
    expect(read(file)).toMatch(new RegExp(`^export (function|const) ${camel(file)}\\b`, 'm'));
    expect(read('operators/index.ts')).toMatch(new RegExp(`\\b${camel(file)}\\b[^}]*\\} from './${basename(file)}'`));
  });
});

describe('tests', () => {
  it('lie where their source lies', () => {
    const mirrors = files.filter((file) =>
      /^test\/(?!.*(conformance|\/kafka\.test))(flow|policies|record|codec|runtime|cli|transport|inference|operators)\/.*\.test\.ts$/.test(
        file,
      ),
    );
    const sources = (file: string): string =>
      file
        .replace(/^test\/(?!operators)/, 'src/')
        .replace(/^test\//, '')
        .replace(/\.test\.ts$/, '');
    const strays = mirrors.filter((file) => !files.includes(`${sources(file)}.ts`));
    expect(strays).toEqual([]);
  });
});
