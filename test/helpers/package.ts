import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * What npm pack runs before and after (`build`, `restore`): in the repository package.json points to the sources, which
 * Node runs as they are; inside a package Node refuses to strip types, so there it points to compiled files.
 */

type Json = string | boolean | { readonly [key: string]: Json };
type Manifest = Record<string, Json>;

const root = join(import.meta.dirname, '../..');
const manifestFile = join(root, 'package.json');
const savedFile = join(root, '.cache/package.json');
const dist = join(root, 'dist');

/** `./src/index.ts` → its compiled file with types; what is not compiled stays as it is. */
export function publishedExport(source: string): Json {
  if (!source.endsWith('.ts')) return source;
  const compiled = `./dist/${source.slice(2, -'.ts'.length)}`;
  return { types: `${compiled}.d.ts`, default: `${compiled}.js` };
}

/** The manifest inside the package: compiled entries, nothing that only the repository needs. */
export function publishedManifest(manifest: Manifest): Manifest {
  const rest = Object.entries(manifest).filter(([name]) => !['scripts', 'devDependencies', 'allowScripts'].includes(name));
  const map = (given: Json | undefined, to: (source: string) => Json): Json =>
    Object.fromEntries(Object.entries((given ?? {}) as Readonly<Record<string, string>>).map(([name, source]) => [name, to(source)]));
  return {
    ...Object.fromEntries(rest),
    exports: map(manifest['exports'], publishedExport),
    bin: map(manifest['bin'], (source) => source.replace('./', './dist/')),
  };
}

/** Paths to sources that no compiler rewrites: `new URL('./child.ts', …)`, a command that imports `./main.ts`. */
export const pointAtCompiled = (code: string): string => code.replaceAll(/(['"])(\.{1,2}\/[\w./-]+)\.ts\1/g, '$1$2.js$1');

async function build(): Promise<void> {
  await rm(dist, { recursive: true, force: true });
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  for (const folder of ['src', 'operators', 'pipelines']) {
    // pages, sample data and schemas lie beside the code that reads them; so does the command
    await cp(join(root, folder), join(dist, folder), { recursive: true, filter: (path) => !path.endsWith('.ts') });
  }
  for (const file of await readdir(dist, { recursive: true })) {
    if (!/\.c?js$/.test(file)) continue;
    const code = await readFile(join(dist, file), 'utf8');
    await writeFile(join(dist, file), pointAtCompiled(code));
  }
  await mkdir(join(root, '.cache'), { recursive: true });
  await copyFile(manifestFile, savedFile);
  const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as Manifest;
  await writeFile(manifestFile, `${JSON.stringify(publishedManifest(manifest), undefined, 2)}\n`);
}

if (import.meta.main) {
  const [command] = process.argv.slice(2);
  if (command === 'build') await build();
  else if (command === 'restore') await rename(savedFile, manifestFile);
  else throw new Error(`expected build or restore, got ${String(command)}`);
}
