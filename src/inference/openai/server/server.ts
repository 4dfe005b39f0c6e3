import { defer, EMPTY, ignoreElements, of } from 'rxjs';
import { abortReason } from '../../../clock.ts';
import { type Opened, type OpenContext, type Resource, sharedResource } from '../../../resource.ts';
import { openedModel } from '../../internal/opened-model.ts';
import type { Model, ModelBackend } from '../../model.ts';
import { type OpenAiCompatibleOptions, openOpenAi } from '../openai-compatible.ts';
import { ProgramCalls } from './program-calls.ts';
import type { ServerProgram } from './server-program.ts';
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from './server-options.ts';

export type { ServerOptions } from './server-options.ts';

/**
 * A model in a server program that is started with the pipeline, kept running, and ended with it: llama-server, vLLM, or any other that
 * speaks OpenAI's API. Use it for what a program of its own does better or alone (a quicker engine, another file format, several GPUs); for a
 * server that somebody else starts use `openAiCompatible`, whose options it takes.
 *
 * Opening starts the program and resolves when it takes calls (`readyPath`); it fails with `missing_dependency` where there is no
 * such program, and `model_unavailable` with its last words where it ends before, or takes longer than `readyWithinMs`.
 * Holds the calls in it (`maxCalls`) and those that wait (`maxWaiting`); more fail with `overloaded`. What it writes goes to the log at
 * level `debug`, line by line, without secrets; some programs write prompts there.
 *
 * An end of the program fails the calls in it with `model_crashed` (another try, no attempt) and starts it again in 0.1 to 3 s; calls
 * wait meanwhile. Tried again they run one at a time: the one that brings it down twice fails with `model_killed`. After six ends in a
 * minute without an answer between them it rests for 30 s, in which calls fail with `model_unavailable`. A program that hangs is not
 * noticed: give calls a time limit. Unsubscribing closes the connection.
 * Ends: closing sends SIGTERM, and SIGKILL after `stopWithinMs`, to it and all that it has started. It ends with this process, however
 * that ends (`kill -9` too), unless it leaves its process group; on Windows it outlives a process that was killed.
 * @throws OptionError at the call for options out of range.
 */
export function server(options: ServerOptions): Resource<Model> {
  const resolved = resolveServerOptions(options);
  return sharedResource(`server(${resolved.name})`, async (context) => {
    const { value, close } = await openServer(resolved, context);
    return { value: value.model, close };
  });
}

/** The parts of an opened server; `program` for tests that end it. */
export interface OpenedServer {
  readonly model: Model;
  readonly program: ServerProgram;
}

export async function openServer(options: ResolvedServerOptions, context: OpenContext): Promise<Opened<OpenedServer>> {
  const { signal } = context;
  signal.throwIfAborted();
  const calls = new ProgramCalls(options, context);
  const { program } = calls;
  const onAbort = (): void => void calls.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await program.start();
    const client = await openOpenAi(clientOptions(options, program), context);
    let ending: Promise<unknown> | undefined; // once: its port may be somebody else's afterwards
    const end = async (): Promise<void> => {
      await (ending ??= Promise.all([calls.close(), client.close()]));
    };
    const { value: model, close } = openedModel(supervised(client.backend, calls, end), end);
    return { value: { model, program }, close };
  } catch (error) {
    await calls.close();
    throw signal.aborted ? abortReason(signal) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Of a client of the program, which may listen elsewhere after a crash. */
function clientOptions({ client, apiPath }: ResolvedServerOptions, program: ServerProgram): OpenAiCompatibleOptions {
  const { origin } = program;
  const given: typeof fetch = client.fetch ?? ((input, init) => fetch(input, init));
  const atProgram: typeof fetch = (input, init) => given(typeof input === 'string' ? input.replace(origin, program.origin) : input, init);
  return { ...client, baseUrl: `${origin}${apiPath}`, fetch: atProgram };
}

/** The same calls, each of which has a place in a program that runs. */
function supervised(backend: ModelBackend, calls: ProgramCalls, end: () => Promise<void>): ModelBackend {
  const { name, capabilities, prices } = backend;
  return {
    name,
    capabilities,
    ...(prices && { prices }),
    chat: (...asked) => calls.run(['chat', asked[0], asked[1]], backend.chat(...asked)),
    countTokens: (turns) => backend.countTokens(turns),
    ...(backend.complete && { complete: (...asked) => calls.run(['complete', asked[0], asked[1]], backend.complete?.(...asked) ?? EMPTY) }),
    ...(backend.embed && { embed: (...asked) => calls.run(['embed', asked[0]], backend.embed?.(...asked) ?? EMPTY) }),
    ...(backend.rerank && { rerank: (...asked) => calls.run(['rerank', asked[0], asked[1]], backend.rerank?.(...asked) ?? EMPTY) }),
    ...(backend.labelLogProbabilities && {
      labelLogProbabilities: (...asked) => calls.run(['labels', asked[0], asked[1]], backend.labelLogProbabilities?.(...asked) ?? EMPTY),
    }),
    state: () => defer(() => of(calls.state())),
    warmUp: () => EMPTY, // it was ready before anybody could ask
    dispose: () => defer(end).pipe(ignoreElements()),
  };
}
