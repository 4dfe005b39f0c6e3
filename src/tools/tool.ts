import type { StandardSchemaV1 } from '@standard-schema/spec';
import { isObject, requireMethods, requireObject } from '../check-options.ts';
import { abortReason, type Clock, systemClock } from '../clock.ts';
import { isAbortError, isStreamError, messageOf, OptionError, requireInteger, requireText, TimeoutError, ToolError } from '../errors.ts';
import { describeIssues, requireStandardSchema } from '../standard-schema.ts';

/** What one run may take. */
export interface ToolBudget {
  /** @defaultValue 60,000 */
  readonly maxMs?: number | undefined;
  /** Of the result's text; what is longer is cut and says so. @defaultValue 16,384 */
  readonly maxChars?: number | undefined;
}

export interface ToolContext {
  /** Aborted: the run ends at once, and with it all that it started. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly budget: Required<{ readonly [K in keyof ToolBudget]: number }>;
}

/** What a tool found: data, never an instruction; `asEvidence` is how it enters a prompt. */
export interface ToolResult {
  readonly text: string;
  /** Where it comes from, such as a URL. */
  readonly source?: string | undefined;
  /** Whether the tool itself cut it. */
  readonly isCut?: boolean | undefined;
  /** What it says is for who asked (nothing was found, the program failed), and no evidence of anything. */
  readonly foundNothing?: boolean | undefined;
}

/** A tool as a value: what a model is told of it, what it takes, and how it runs. */
export interface Tool<In = unknown> {
  /** Letters, digits and `_`, 64 at most, beginning with a letter. */
  readonly name: string;
  /** For the model: what it does, and what it takes. */
  readonly description: string;
  /** What an input must be; what does not fit is told to the model, and not run. */
  readonly input: StandardSchemaV1<unknown, In>;
  /** The same for models, as JSON Schema. */
  readonly inputJsonSchema: Readonly<Record<string, unknown>>;
  /** @throws ToolError `tool_refused` for an input that can never work, `tool_failed` where another run may. */
  run(input: In, context: ToolContext): Promise<ToolResult>;
  /** Ends what it holds: processes, connections. */
  close?(): Promise<void>;
}

export interface RunToolOptions {
  readonly signal?: AbortSignal | undefined;
  readonly budget?: ToolBudget | undefined;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

const nameForm = /^[A-Za-z]\w{0,63}$/;
/** As much as a page's beginning, and what a model of 8,000 tokens can hold beside its work. */
const defaults = { maxMs: 60_000, maxChars: 16_384 };

/**
 * A tool of one's own, checked: for models that choose among tools by their descriptions.
 * @throws OptionError for a name, schema or function that is none.
 */
export function tool<In>(given: Tool<In>): Tool<In> {
  requireObject('tool', given);
  if (typeof given.name !== 'string' || !nameForm.test(given.name))
    throw new OptionError(`tool.name must be 1 to 64 letters, digits or '_', a letter first, got ${JSON.stringify(given.name)}`);
  requireText(`tool ${given.name}.description`, given.description);
  requireStandardSchema(`tool ${given.name}.input`, given.input);
  requireObject(`tool ${given.name}.inputJsonSchema`, given.inputJsonSchema);
  requireMethods(`tool ${given.name}`, given, ['run'], 'an object with run(input, context)');
  return given;
}

/**
 * Runs a tool on what a model asks: checked by its schema, within its time, its text cut to its length. Holds the result.
 *
 * Aborting rejects with the signal's reason at once, also where the tool does not listen.
 * @throws ToolError `tool_refused` for an input that does not fit, with the schema's issues; what the tool throws; what is no error of ours as `tool_failed`.
 * @throws TimeoutError after `budget.maxMs`; the tool's signal is aborted then.
 */
export async function runTool<In>(tool: Tool<In>, given: unknown, options: RunToolOptions = {}): Promise<ToolResult> {
  const { signal, clock = systemClock } = options;
  const { maxMs = defaults.maxMs, maxChars = defaults.maxChars } = options.budget ?? {};
  requireInteger('runTool.budget.maxMs', maxMs, 1);
  requireInteger('runTool.budget.maxChars', maxChars, 1);
  throwIfAborted(signal);
  const checked = await tool.input['~standard'].validate(given);
  if (checked.issues !== undefined) {
    throw new ToolError('tool_refused', `${tool.name} does not take this input: ${describeIssues(checked.issues)}`);
  }
  throwIfAborted(signal); // while it was checked
  const ended = new AbortController();
  const input = checked.value;
  const result = await new Promise<ToolResult>((resolve, reject) => {
    const end = (error: Error): void => {
      ended.abort(error);
      reject(error);
    };
    const cancel = clock.schedule(maxMs, () => end(new TimeoutError(`${tool.name} took longer than ${String(maxMs)} ms; ask for less`)));
    const onAbort = (): void => {
      if (signal !== undefined) end(abortReason(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const context: ToolContext = { signal: ended.signal, clock, budget: { maxMs, maxChars } };
    const running = Promise.resolve().then(() => tool.run(input, context)); // what throws before its first await rejects, too
    running
      .then((found) => resolve(resultOf(tool.name, found)))
      .catch((error: unknown) => reject(asToolError(tool.name, error)))
      .finally(() => {
        cancel();
        signal?.removeEventListener('abort', onAbort);
      });
  });
  return withinLength(result, maxChars);
}

const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw abortReason(signal);
};

function asToolError(name: string, error: unknown): Error {
  if (error instanceof Error && (isStreamError(error) || isAbortError(error))) return error;
  return new ToolError('tool_failed', `${name} failed: ${messageOf(error)}`, { cause: error });
}

/** What a tool gave, as it must be: tools of one's own may be in JavaScript. What it gave beside is left out; a source that is null is none. */
function resultOf(name: string, found: unknown): ToolResult {
  const wrong = (what: string, got: unknown): ToolError =>
    new ToolError('tool_failed', `${name} must give ${what}, got ${got === null ? 'null' : Array.isArray(got) ? 'a list' : typeof got}`);
  if (!isObject(found)) throw wrong('an object { text }', found);
  const { text, source, isCut, foundNothing } = found as Readonly<Record<keyof ToolResult, unknown>>;
  if (typeof text !== 'string') throw wrong('{ text } with a text', text);
  if (source !== undefined && source !== null && typeof source !== 'string') throw wrong('its source as a text', source);
  return {
    text,
    ...(typeof source === 'string' && { source }),
    ...(isCut !== undefined && isCut !== null && { isCut: Boolean(isCut) }),
    ...(Boolean(foundNothing) && { foundNothing: true }),
  };
}

function withinLength(result: ToolResult, maxChars: number): ToolResult {
  if (result.text.length <= maxChars) return result;
  return { ...result, text: result.text.slice(0, maxChars).toWellFormed(), isCut: true };
}
