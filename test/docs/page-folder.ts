import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

/** A project as a reader has it: what it uses lies in its node_modules. The caller removes it. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-pages-'));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  await symlink(root, join(modules, 'millrace'));
  for (const name of ['rxjs', 'zod']) await symlink(join(root, 'node_modules', name), join(modules, name));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await copyFile(join(root, 'test/types/page-names.ts'), join(folder, 'page-names.ts'));
  return folder;
}

export interface Complaint {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  readonly message: string;
}

/** What the compiler says of `files`, by the settings of this repository. One program for all of them: most of its time goes into reading. */
export function compile(files: readonly string[]): readonly Complaint[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { readonly config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, root);
  delete options.rootDir; // the pages' folder lies elsewhere
  const program = ts.createProgram(files, { ...options, noEmit: true, typeRoots: [join(root, 'node_modules/@types')] });
  return files.flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ start = 0, messageText }) => ({
      file,
      line: (source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1,
      message: ts.flattenDiagnosticMessageText(messageText, '\n'),
    }));
  });
}

const mark = '\u0000';
// A program that throws fails alone; one that never ends takes those behind it along, and the parent's patience ends it.
const runner = `for (const file of process.argv.slice(1)) {
  console.log(${JSON.stringify(mark)} + file);
  await import(file).catch((error) => console.log('threw', error));
}`;

/** Runs programs one after the other, in one process. The result is what each has printed, by its file. */
export async function runAll(files: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const urls = files.map((file) => pathToFileURL(file).href);
  const args = ['--input-type=module', '--eval', runner, ...urls];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
  const printed = stdout.split(mark).slice(1);
  return new Map(
    printed.map((text) => {
      const end = text.indexOf('\n');
      return [basename(text.slice(0, end)), text.slice(end + 1)];
    }),
  );
}
