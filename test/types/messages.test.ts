import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const file = join(import.meta.dirname, 'wrong.ts'); // in memory only
const text = `
import { mapConcurrent } from '../../operators/index.ts';
import { definePipeline, text, topic } from '../../src/index.ts';
const common = { name: 'x', input: topic('in', text()), deadLetter: 'stop' } as const;
export const promise = mapConcurrent(async (value: string) => Promise.resolve(value), { concurrency: 1 });
export const unrouted = definePipeline({ ...common, output: { a: topic('a'), b: topic('b') }, process: (s) => s.pipe() });
`;

/** What the compiler says of each wrong line, with the last line of its explanation. */
function complaints(): Record<number, string> {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { readonly config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext) : getSourceFile.call(host, name, ...rest);
  const program = ts.createProgram([file], { ...options, noEmit: true }, host);
  const found = program.getSemanticDiagnostics(program.getSourceFile(file));
  return Object.fromEntries(
    found.map(({ start = 0, messageText }) => [
      text.slice(0, start).split('\n').length,
      ts.flattenDiagnosticMessageText(messageText, '\n').split('\n').at(-1)?.trim() ?? '',
    ]),
  );
}

it('wrong types are told with what to do', { timeout: 60_000 }, () => {
  expect(complaints()).toEqual({
    5: expect.stringMatching(/^Type 'Promise<string>' is not assignable to type '.*PromisesGoInCall/) as string,
    6: expect.stringMatching(/^Property '\[setByRouteBy\]' is missing in type/) as string,
  });
});
