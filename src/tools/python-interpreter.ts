import { type OptionNames, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import { requireText, ToolError } from '../errors.ts';
import { probeSandbox } from './internal/python/probe-sandbox.ts';
import { runSandbox, type SandboxEnd, type SandboxLimits } from './internal/python/run-sandbox.ts';
import { textInput } from './internal/text-input.ts';
import { type Tool, tool } from './tool.ts';

export interface PythonInterpreterOptions {
  /** The interpreter, whose installation programs may read. @defaultValue python3 */
  readonly python?: string | undefined;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

const names: OptionNames<PythonInterpreterOptions> = { python: true, clock: true };
const mebibyte = 1024 * 1024;
/** What a calculation takes that a person would wait for. */
export const pythonLimits: SandboxLimits = {
  cpuSeconds: 2,
  wallSeconds: 5,
  memoryBytes: 512 * mebibyte,
  processes: 32,
  outputBytes: 64 * 1024,
  scratchBytes: 16 * mebibyte,
};
const mostCharacters = 64 * 1024;

/**
 * The tool `python_interpreter`: runs a Python program on its own, in namespaces of its own (user, mounts with a private root, processes, network without any, IPC, host name), without rights, environment or
 * input, under a filter of system calls. Limits: 2 s of processor time and 512 MiB of memory, all processes together, 5 s, 32 processes, 64 KiB of output, 16 MiB in `/scratch`, which is empty each time.
 *
 * In: `{ code }`. Out: what it printed, and how it ended where that was not well: a traceback, a limit. All its processes end with it, with the call's signal, and with this process.
 * Before the tool is given it is tried out here; there is no way to run programs without the sandbox.
 * @throws PipelineError `missing_dependency` where programs cannot be kept in, with the reason: the tool is off there.
 */
export async function pythonInterpreter(options: PythonInterpreterOptions = {}): Promise<Tool<{ readonly code: string }>> {
  requireOptions('pythonInterpreter', options, names);
  const { python = 'python3', clock = systemClock } = options;
  requireText('pythonInterpreter.python', python);
  await probeSandbox(pythonLimits, { python, clock });
  return tool({
    name: 'python_interpreter',
    description:
      'Runs a Python 3 program and gives what it prints. Each run starts anew, without network and files; 2 s of processor time, 512 MiB, 64 KiB of output.',
    ...textInput({ code: { description: 'the program; print what is to be seen', maxLength: mostCharacters } }),
    run: async ({ code }, { signal }) => {
      const ended = await runSandbox(code, pythonLimits, { python, clock, signal });
      return { text: textOf(ended), isCut: ended.end === 'output', ...(hasFailed(ended) && { foundNothing: true }) };
    },
  });
}

const hasFailed = ({ end, code = 0, stdout = '' }: SandboxEnd): boolean => end !== 'exit' || code !== 0 || stdout.trim() === '';

function textOf({ end, code = 0, stdout = '', stderr = '', why = '' }: SandboxEnd): string {
  if (end === 'setup') throw new ToolError('tool_failed', `the sandbox could not be set up: ${why}`);
  const said = [stdout.trimEnd(), stderr.trimEnd()].filter((text) => text !== '');
  const remarks = {
    exit: code === 0 ? (said.length === 0 ? '[it printed nothing]' : '') : `[it ended with exit code ${String(code)}]`,
    signal: `[it was ended by signal ${String(code)}]`,
    cpu: `[ended: more than ${String(pythonLimits.cpuSeconds)} s of processor time]`,
    memory: `[ended: more than ${String(pythonLimits.memoryBytes / mebibyte)} MiB of memory]`,
    wall: `[ended: longer than ${String(pythonLimits.wallSeconds)} s]`,
    output: `[ended: more than ${String(pythonLimits.outputBytes / 1024)} KiB of output]`,
  };
  return [...said, remarks[end]].filter((text) => text !== '').join('\n');
}
