import { defer, map, type Observable, of } from 'rxjs';
import type { CallContext } from '../../call.ts';
import { slotsOf } from '../internal/slots-of.ts';
import type { Model, PreparedPrompt, Prompt } from '../model.ts';
import type { ResolvedAnswering, Summarise, Trouble, Truncate, Way } from './answering-options.ts';
import { fitPrompt } from './fit-prompt.ts';
import { concatInScope, type Spent } from './spent.ts';
import { summariseSlots } from './summarise-slots.ts';

/** A prompt that was cut and does not fit all the same is cut anew: counts may leave out what the back end adds. */
const mostCuts = 6;
/** Each time to so much of what was refused. */
const shrink = { known: 0.85, unknown: 0.7 } as const;
/** Of labels, which are read off, or a word or two. */
const labelTokens = 64;

/** How a call is made at present, and what came before. */
export interface Asking {
  readonly model: Model;
  readonly prompt: Prompt;
  /** Undefined where answers have no length. */
  readonly maxTokens: number | undefined;
  /** What outputs say of it. */
  readonly steps: readonly string[];
  readonly spent: Spent;
  readonly tried: ReadonlySet<Way>;
  /** It is the `round`th cut of what `base` asked. */
  readonly cut?: { readonly way: Truncate; readonly base: Asking; readonly round: number };
}

export interface Rules extends Pick<ResolvedAnswering, 'ways' | 'contextTokens'> {
  readonly model: Model;
  readonly modelOf: (way: Extract<Way, { readonly ask: unknown }>) => Model;
}

/** Another way to ask, or what to give instead of an answer. */
export type Next = { readonly asking: Asking; readonly skip?: { readonly value: unknown } };

/** Emits what to do about a trouble, or undefined where nothing is left. Each way is tried once, a cut up to 6 times. */
export function wayOut(asking: Asking, trouble: Trouble, rules: Rules, ctx: CallContext | undefined): Observable<Next | undefined> {
  const { cut } = asking;
  if (trouble !== 'prompt_too_long' || cut === undefined) return nextWay(asking, trouble, rules, ctx);
  const base: Asking = { ...cut.base, spent: asking.spent };
  const again = cut.round >= mostCuts ? of(undefined) : truncated(base, cut.way, asking.prompt, cut.round + 1, rules);
  return again.pipe(concatInScope((next) => (next === undefined ? nextWay(base, trouble, rules, ctx) : of(next))));
}

function nextWay(asking: Asking, trouble: Trouble, rules: Rules, ctx: CallContext | undefined): Observable<Next | undefined> {
  const way = rules.ways[trouble].find((one) => !asking.tried.has(one));
  if (way === undefined) return of(undefined);
  const rest: Asking = { ...asking, tried: new Set([...asking.tried, way]) };
  return defer(() => taken(rest, way, rules, ctx)).pipe(
    concatInScope((next) => (next === undefined ? nextWay(rest, trouble, rules, ctx) : of(next))),
  );
}

function taken(asking: Asking, way: Way, rules: Rules, ctx: CallContext | undefined): Observable<Next | undefined> {
  if ('skip' in way) return of({ asking, skip: { value: way.skip } });
  if ('ask' in way) return of({ asking: { ...asking, model: rules.modelOf(way) } });
  if ('maxTokens' in way) {
    const helps = asking.maxTokens !== undefined && asking.maxTokens < way.maxTokens;
    return of(helps ? { asking: { ...asking, maxTokens: way.maxTokens } } : undefined);
  }
  return 'truncate' in way ? truncated(asking, way, asking.prompt, 1, rules) : summarised(asking, way, rules, ctx);
}

/** @param refused what did not fit: `asking`'s prompt, or one that was cut of it before */
function truncated(asking: Asking, way: Truncate, refused: Prompt, round: number, rules: Rules): Observable<Next | undefined> {
  const slots = slotsIn(asking.prompt);
  if (slots === undefined) return of(undefined);
  const { model } = asking;
  const room = roomFor(asking, rules);
  return model.countTokens(refused).pipe(
    concatInScope((tokens) =>
      fitPrompt({
        countTokens: (prompt) => model.countTokens(prompt),
        slots,
        // where the count says that it fits, what was refused knows better
        target: room !== undefined && room < tokens ? room : Math.floor(tokens * (room === undefined ? shrink.unknown : shrink.known)),
        side: way.truncate,
        atLeast: way.atLeast ?? 0.1,
      }),
    ),
    map((prompt) => prompt && { asking: { ...marked(asking, prompt, `truncated-${way.truncate}`), cut: { way, base: asking, round } } }),
  );
}

function summarised(asking: Asking, { summarise }: Summarise, rules: Rules, ctx: CallContext | undefined): Observable<Next | undefined> {
  const slots = slotsIn(asking.prompt);
  if (slots === undefined) return of(undefined);
  const { model } = asking;
  const contextTokens = contextOf(model, rules);
  return summariseSlots({ model, contextTokens, slots, room: roomFor(asking, rules), options: summarise, ctx }).pipe(
    map((prompt) => prompt && { asking: marked(asking, prompt, 'summarised') }),
  );
}

/** Without them nobody knows what of a prompt is data: it is not cut. */
const slotsIn = (prompt: Prompt) => slotsOf.get(prompt as PreparedPrompt);

const contextOf = (model: Model, { model: own, contextTokens }: Rules): number | undefined =>
  model === own && contextTokens !== undefined ? contextTokens : model.capabilities.contextTokens;

function roomFor({ model, maxTokens = labelTokens }: Asking, rules: Rules): number | undefined {
  const contextTokens = contextOf(model, rules);
  return contextTokens === undefined ? undefined : contextTokens - maxTokens;
}

const marked = (asking: Asking, prompt: PreparedPrompt, step: string): Asking => ({
  ...asking,
  prompt,
  steps: [...new Set([...asking.steps, step])],
});
