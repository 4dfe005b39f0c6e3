import { Console } from 'node:console';
import { open } from 'node:inspector';
import { type Command, defineCommand } from '../command.ts';
import { OptionError } from '../errors.ts';
import type { CliContext } from './context.ts';
import { findPipeline, loadPipeline } from './load-pipeline.ts';
import { runFromFile } from './run-from-file.ts';
import { type RunOptions, runOptions } from './run-options.ts';
import { runService } from './run-service.ts';
import { supervised } from './supervised.ts';
import { watchPipeline } from './watch-pipeline.ts';

export const runCommand: Command = defineCommand({
  name: 'run',
  summary: 'run a pipeline',
  details: `PIPELINE is a .ts or .js file whose default export is definePipeline({ … }), or a folder with pipeline.ts.

On Kafka it runs until Ctrl-C or SIGTERM: then it takes nothing more, finishes what is in flight, commits, leaves, and ends
with 0; with 130 (143) if something had to be given back at --drain-deadline-ms. A second signal ends it at once with the
same: what was not committed will be delivered again.

On the embedded broker, --input feeds it: each line {"key": …, "value": …, "headers": …} is a record, any other line a value
of its own. Results come as lines, as they complete; failed records are told on stderr; it ends when every record is settled.

While the broker is away a start waits for it, up to --start-patience-ms, and says so. How it runs can be set where all settings can:
--start-patience-ms is MILLRACE_START_PATIENCE_MS in the environment, and "startPatienceMs" in the file.

--watch runs it in a child process, so that a change finds no old module; watched are the file and what it imports below its
folder or the current one, node_modules excepted. It ends with 0 at Ctrl-C. Breakpoints: --inspect, or start node itself with its flags.`,
  arguments: [{ name: 'pipeline', required: true, summary: 'file or folder' }],
  options: runOptions,
  examples: [
    { line: 'millrace run pipeline.ts --brokers localhost:9092 --create-topics', does: 'until Ctrl-C' },
    { line: 'millrace run pipeline.ts --input records.ndjson > results.ndjson', does: 'no broker needed' },
    { line: 'echo \'{"text":"hello"}\' | millrace run pipeline.ts --input -', does: 'one record' },
    { line: 'millrace run pipeline.ts --input records.ndjson --watch --inspect', does: 'while you write it' },
  ],
  exitCodes: {
    3: 'with --input: all records are settled, but some failed',
    130: 'stopped by Ctrl-C before what was begun was done; with --input, before all records were settled (143: by SIGTERM)',
  },
  run: async ({ options: given, args: [pipeline = ''] }, context) => {
    const cli = context as CliContext;
    const path = findPipeline(pipeline, process.cwd()); // first: with no pipeline, what is said of its topics helps nobody
    checkCombinations(given, cli);
    if (given.watch) return watchPipeline(path, cli);
    Object.assign(console, new Console(process.stderr)); // stdout is for results, whatever the pipeline's own code prints
    const supervisor = supervised(cli.interrupt);
    try {
      if (given.inspect || given.inspectPort !== undefined) open(given.inspectPort ?? 9229, '127.0.0.1');
      const loaded = await loadPipeline(path);
      if (given.input === undefined) return await runService(loaded, given, cli);
      return await runFromFile(loaded, given.input, given, cli);
    } finally {
      supervisor.release();
    }
  },
});

function checkCombinations({ input, output, watch }: Pick<RunOptions, 'input' | 'output' | 'watch'>, { settings }: CliContext): void {
  if (settings.transport === 'kafka') {
    if (input !== undefined || output !== undefined)
      throw new OptionError(
        `--input and --output are for --transport memory, and ${settings.transportBy ?? '--transport'} asks for Kafka: say --transport memory, or on Kafka use \`millrace produce\` and \`millrace consume\` beside it`,
      );
    return;
  }
  if (input === undefined) {
    throw new OptionError(
      'the embedded broker (--transport memory, the default) lives in this process, so nobody else can write to it: feed it with --input FILE (- is stdin), or say --transport kafka with --brokers HOST:PORT',
    );
  }
  if (watch && input === '-')
    throw new OptionError('--watch reads the input again after each change, which stdin cannot do: give --input a file');
}
