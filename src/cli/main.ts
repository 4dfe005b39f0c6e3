import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, systemClock } from '../clock.ts';
import { commandContext } from './context.ts';
import { commands } from './commands.ts';
import { interrupt } from './interrupt.ts';
import { buildProgram, type Invocation } from './program.ts';
import { exitCodes, reportError } from './report-error.ts';
import { resolveSettings } from './settings.ts';
import { terminalOutput } from './terminal-output.ts';

const launchedVariable = 'MILLRACE_LAUNCHED'; // by millrace.cjs
const lastWordsMs = 300; // whoever was told to end does not wait longer for somebody to read

const finishing = {
  first: 'stopping: what was begun is finished first; again (Ctrl-C) to end at once',
  second: 'ended at once: what was not committed will be delivered again',
} as const;

/** Runs one command line; the process ends with its exit code when everything it opened is closed. */
export async function main(argv: readonly string[]): Promise<void> {
  let mode = {
    isJson: argv.includes('--json') || ['1', 'true', 'yes'].includes(process.env['MILLRACE_JSON']?.toLowerCase() ?? ''),
    debug: false,
  };
  let interruptedBy = (): number | undefined => undefined;
  let onReaderLeft = (): void => undefined; // whoever reads help may leave, too
  endQuietlyWithReader(() => {
    onReaderLeft();
  });
  const invoke = async (invocation: Invocation): Promise<void> => {
    const settings = resolveSettings({
      flags: invocation.flags,
      env: process.env,
      cwd: process.cwd(),
      options: invocation.command.options,
    });
    mode = { isJson: settings.json, debug: settings.logLevel === 'debug' };
    const out = terminalOutput(process, settings.json);
    let readerLeft = false;
    const interruption = interrupt({
      first: () => {
        if (!readerLeft) out.note((invocation.command.stopping ?? finishing).first);
      },
      second: () => {
        out.live(undefined);
        out.note((invocation.command.stopping ?? finishing).second);
      },
      exit: (code) => process.exit(code),
    });
    interruptedBy = () => interruption.exitCode;
    endWithLauncher(() => {
      interruption.ask();
    });
    onReaderLeft = () => {
      readerLeft = true;
      interruption.ask();
    };
    const context = commandContext(settings, out, interruption);
    for (const remark of settings.remarks) context.log.warn({}, remark);
    try {
      process.exitCode = (await invocation.command.run(invocation, context)) ?? exitCodes.done;
    } finally {
      out.live(undefined);
      interruption.release();
    }
  };
  try {
    await buildProgram({ version: version(), commands, isJson: mode.isJson, onInvocation: invoke }).parseAsync(nodeStyle(argv), {
      from: 'user',
    });
  } catch (error) {
    const { text, exitCode } = reportError(error, { ...mode, interruptedBy: interruptedBy() });
    if (text !== '') process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  }
  const written = Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))));
  await (interruptedBy() === undefined ? written : Promise.race([written, sleep(systemClock, lastWordsMs)]));
  process.exit(); // a call that was aborted and hangs on must not keep a process that is done
}

/** The launcher for an older Node waits for this process: when it is gone, however it went, nobody else would end this one. */
function endWithLauncher(ask: () => void): void {
  const { [launchedVariable]: launched } = process.env;
  Reflect.deleteProperty(process.env, launchedVariable); // not for our own children
  if (launched !== '1' || process.channel === undefined) return;
  process.once('disconnect', ask);
  process.channel.unref(); // it alone keeps nothing alive
}

/** `millrace consume … | head` has what it wanted when head goes: no error, and nothing more to do. */
function endQuietlyWithReader(ask: () => void): void {
  let gone = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!gone) ask();
    gone = true;
  });
}

/** `--inspect=9230`, as node takes it; the parser would take the pipeline's file for the value of a bare `--inspect`. */
const nodeStyle = (argv: readonly string[]): string[] =>
  argv.flatMap((one) => (one.startsWith('--inspect=') ? ['--inspect', '--inspect-port', one.slice(10)] : [one]));

/** Beside the sources in the repository, one folder further up in `dist`. */
function version(): string {
  for (const up of ['../..', '../../..']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(join(import.meta.dirname, up, 'package.json'), 'utf8')) as {
        readonly name?: unknown;
        readonly version?: unknown;
      };
      if (name === 'millrace' && typeof found === 'string') return found;
    } catch {
      // not this one
    }
  }
  return 'unknown';
}
