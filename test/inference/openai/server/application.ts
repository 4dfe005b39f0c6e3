// An application with a server program, to be killed.
import { systemClock } from '../../../../src/clock.ts';
import { openServer } from '../../../../src/inference/openai/server/server.ts';
import { resolveServerOptions, type ServerOptions } from '../../../../src/inference/openai/server/server-options.ts';

const options = JSON.parse(process.argv[2] ?? 'null') as ServerOptions;
const context = { clock: systemClock, signal: new AbortController().signal, log: () => undefined };
const { value } = await openServer(resolveServerOptions(options), context);
process.send?.(value.program.pid);
