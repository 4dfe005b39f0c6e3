import { type Clock, isStreamError, messageOf, runTool, type Tool, type ToolResult } from 'millrace/tools';
import type { Desk } from './desk.ts';
import type { Findings } from './findings.ts';
import type { SeedOrder } from './order.ts';
import { explorePrompt } from './prompts.ts';
import { QuestionError } from './question-error.ts';
import { pathTo, type Step } from './step.ts';

export interface ExploreParts {
  readonly order: SeedOrder;
  readonly tools: readonly Tool[];
  readonly desk: Desk;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Explored extends Pick<Findings, 'tools' | 'ends' | 'depth' | 'toolMs'> {
  readonly steps: readonly Step[];
  /** The last steps of the ways, in the order in which they ended. */
  readonly leaves: readonly number[];
}

/** After so many failed steps in a row a way ends. */
const mostFailures = 2;

/** What a model chose; the schema has made sure that it has this shape. */
interface Choice {
  readonly tool: string;
  readonly input?: unknown;
}

/**
 * Grows the tree of steps from a seed, level by level: the model chooses a tool and its input, and sees what was found on the way so far, and what was tried beside it. Ways end where the model finishes, at `maxDepth`, after two
 * failed steps, with an answer that cannot be used, and where the same thing would be done again; all of them at `maxSteps`.
 * One question after the other: which step has which number depends on the answers alone.
 * @throws QuestionError for a question that fails for a reason that is not of its answer.
 */
export async function explore(parts: ExploreParts): Promise<Explored> {
  const { order } = parts;
  const tree = new Tree(parts);
  let level: readonly (number | null)[] = [null];
  for (let depth = 1; depth <= order.maxDepth && level.length > 0; depth += 1) {
    const next: number[] = [];
    for (const at of level) next.push(...(await tree.grow(at, depth)));
    level = next;
  }
  for (const at of level) if (at !== null) tree.end(at, 'max_depth');
  return tree.explored;
}

class Tree {
  readonly #parts: ExploreParts;
  readonly #steps: Step[] = [];
  readonly #leaves: number[] = [];
  readonly #ends: Record<string, number> = {};
  readonly #tools: Record<string, { used: number; failed: number }> = {};
  #toolMs = 0;

  constructor(parts: ExploreParts) {
    this.#parts = parts;
  }

  get explored(): Explored {
    const depth = Math.max(0, ...this.#steps.map((step) => step.depth));
    return { steps: this.#steps, leaves: this.#leaves, ends: this.#ends, tools: this.#tools, depth, toolMs: Math.round(this.#toolMs) };
  }

  end(at: number | null, why: string): void {
    if (at !== null) this.#leaves.push(at);
    this.#ends[why] = (this.#ends[why] ?? 0) + 1;
  }

  /** The steps that follow `at`, of which each may be followed in turn; where there is none, `at` was the last. */
  async grow(at: number | null, depth: number): Promise<readonly number[]> {
    const { order } = this.#parts;
    const path = at === null ? [] : pathTo(this.#steps, at);
    if (path.slice(-mostFailures).filter(({ error }) => error !== undefined).length === mostFailures) {
      this.end(at, 'tool_errors');
      return [];
    }
    const tried: Step[] = [];
    const ways = depth <= order.depthThreshold ? order.branchingFactor : 1;
    let why = '';
    for (let way = 0; way < ways; way += 1) {
      const made = await this.#step(at, depth, path, tried);
      if (typeof made === 'string') why ||= made;
      else tried.push(made);
    }
    if (tried.length === 0) this.end(at, why);
    else if (why !== '') this.end(null, why);
    return tried.map(({ id }) => id);
  }

  /** The next step, or why there is none. */
  async #step(parent: number | null, depth: number, path: readonly Step[], tried: readonly Step[]): Promise<Step | string> {
    const { order, tools } = this.#parts;
    if (this.#steps.length >= order.maxSteps) return 'max_steps';
    const canFinish = path.some(({ error }) => error === undefined);
    const choice = await this.#choice(path, tried, canFinish);
    if (typeof choice === 'string') return choice;
    if (choice.tool === 'finish') return 'finished';
    const tool = tools.find(({ name }) => name === choice.tool);
    if (tool === undefined) return 'answer_invalid';
    const { input } = choice;
    const said = JSON.stringify(input);
    if ([...path, ...tried].some((step) => step.tool === tool.name && JSON.stringify(step.input) === said)) return 'repeated';
    const step: Step = { id: this.#steps.length, parent, depth, tool: tool.name, input, ...(await this.#use(tool, input)) };
    this.#steps.push(step);
    return step;
  }

  async #choice(path: readonly Step[], tried: readonly Step[], canFinish: boolean): Promise<Choice | string> {
    const { order, tools, desk } = this.#parts;
    const turns = explorePrompt({ order, tools, path, tried, canFinish, chance: desk.chance });
    try {
      return (await desk.ask('explore', turns, choiceSchema(tools, canFinish))).value as Choice;
    } catch (error) {
      if (error instanceof QuestionError && error.isOfAnswer) return error.code;
      throw error;
    }
  }

  /** What is wrong is told to the model, like what is right. */
  async #use(tool: Tool, input: unknown): Promise<Pick<Step, 'text' | 'source' | 'isCut' | 'foundNothing' | 'error'>> {
    const { order, clock, signal } = this.#parts;
    const counts = (this.#tools[tool.name] ??= { used: 0, failed: 0 });
    counts.used += 1;
    const startedMs = clock.nowMs();
    try {
      const budget = { maxMs: order.toolTimeoutMs, maxChars: order.observationChars };
      return resultOf(await runTool(tool, input, { signal, budget, clock }));
    } catch (error) {
      signal.throwIfAborted();
      counts.failed += 1;
      return {
        text: messageOf(error).slice(0, order.observationChars).toWellFormed(),
        error: isStreamError(error) ? error.code : 'tool_failed',
      };
    } finally {
      this.#toolMs += clock.nowMs() - startedMs;
    }
  }
}

const resultOf = ({
  text,
  source,
  isCut = false,
  foundNothing = false,
}: ToolResult): Pick<Step, 'text' | 'source' | 'isCut' | 'foundNothing'> => ({
  text,
  ...(source === undefined ? {} : { source }),
  ...(isCut ? { isCut } : {}),
  ...(foundNothing ? { foundNothing } : {}),
});

/** One of the tools with an input that it takes, or the end. */
function choiceSchema(tools: readonly Tool[], canFinish: boolean): Readonly<Record<string, unknown>> {
  const ways = tools.map(({ name, inputJsonSchema }) => ({
    type: 'object',
    properties: { tool: { const: name }, input: inputJsonSchema },
    required: ['tool', 'input'],
    additionalProperties: false,
  }));
  const end = { type: 'object', properties: { tool: { const: 'finish' } }, required: ['tool'], additionalProperties: false };
  const all = canFinish ? [...ways, end] : ways;
  const [only] = all;
  return all.length === 1 && only ? only : { anyOf: all };
}
