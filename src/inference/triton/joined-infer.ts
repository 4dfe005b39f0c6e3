import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { type CallContext, type CallScope, currentScope, inScope } from '../../call.ts';
import { InferenceError, isStreamError } from '../../errors.ts';
import type { CancelTimer, Clock } from '../../clock.ts';
import type { ModelBackend, Tensor, TensorData } from '../model.ts';
import { JoinedCalls } from './joined-calls.state.ts';

type Infer = NonNullable<ModelBackend['infer']>;

interface Waiting {
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  readonly out: Subscriber<readonly Tensor[]>;
  readonly scope: CallScope;
  readonly ctx: CallContext | undefined;
}

type Own = Pick<CallContext, 'context' | 'deadlineMs' | 'key'>;

export interface JoinedInferOptions {
  readonly maxWaitMs: number;
  readonly maxRows?: number;
  /** Most rows that the model takes; 0: it takes no batches. Undefined where nobody says. */
  readonly mostRows: (ctx?: CallContext) => Observable<number | undefined>;
  readonly priority?: ((of: Pick<CallContext, 'context' | 'key'>) => number) | undefined;
}

/**
 * Calls that come together as one request, along the first dimension, of no more rows than the model takes. Where the server refuses such a request for what is in it, each call is asked
 * alone: none fails for another one's data. Whoever leaves is taken out; a request is aborted when all of its calls have left. It has the latest of their deadlines, one priority, and
 * of their contexts what they have in common: nobody's call is made in another's name.
 */
export function joinedInfer(infer: Infer, { maxWaitMs, maxRows = 64, mostRows, priority }: JoinedInferOptions): Infer {
  const waiting = new JoinedCalls<Waiting>(maxWaitMs);
  let cancel: CancelTimer | undefined;

  const sendAll = (groups: readonly (readonly Waiting[])[]): void => {
    for (const group of groups) send(infer, group);
  };
  const arm = (clock: Clock): void => {
    cancel?.();
    const { nextMs } = waiting;
    cancel =
      nextMs === undefined
        ? undefined
        : clock.schedule(Math.max(0, nextMs - clock.nowMs()), () => {
            sendAll(waiting.due(clock.nowMs()));
            arm(clock);
          });
  };
  const join = (one: Waiting, kind: string, most: number): void => {
    const { clock } = one.scope;
    one.out.add(() => {
      waiting.remove(one);
      arm(clock);
    });
    sendAll(waiting.add({ call: one, kind, rows: one.rows, maxRows: most }, clock.nowMs()));
    arm(clock);
  };
  return (inputs, ctx) =>
    new Observable((out) => {
      const scope = currentScope();
      const rows = rowsOf(inputs);
      const one = { inputs, rows: rows ?? 0, out, scope, ctx };
      if (rows === undefined) {
        alone(infer, one);
        return;
      }
      const kind = kindOf(inputs, priority?.(ctx ?? scope));
      out.add(
        mostRows(ctx).subscribe({
          next: (most) => {
            if (most === 0) alone(infer, one);
            else join(one, kind, Math.min(maxRows, most ?? Infinity));
          },
          error: (error: unknown) => {
            out.error(error);
          },
        }),
      );
    });
}

/** Rows of all inputs together; undefined where they have none, or not the same. */
function rowsOf(inputs: readonly Tensor[]): number | undefined {
  const [rows] = inputs[0]?.shape ?? [];
  return rows !== undefined && rows > 0 && inputs.every(({ shape }) => shape[0] === rows) ? rows : undefined;
}

const kindOf = (inputs: readonly Tensor[], priority: number | undefined): string =>
  JSON.stringify([
    priority,
    inputs.map(({ name, shape, data }) => [name, shape.slice(1), 'BYTES_PER_ELEMENT' in data ? data[Symbol.toStringTag] : '']),
  ]);

function send(infer: Infer, group: readonly Waiting[]): void {
  const here = group.filter(({ out }) => !out.closed);
  const [first] = here;
  if (first === undefined) return;
  if (here.length === 1) {
    alone(infer, first);
    return;
  }
  let left = here.length;
  let running: Subscription | undefined;
  const all = first.inputs.map((input, at) => joined(here.map(({ inputs }) => inputs[at] ?? input)));
  inScope(first.scope, () => {
    running = infer(all, inCommon(here)).subscribe({
      next: (outputs) => {
        let at = 0;
        for (const one of here) {
          const from = at;
          at += one.rows;
          deliver(
            one,
            outputs,
            from,
            here.reduce((sum, { rows }) => sum + rows, 0),
          );
        }
      },
      error: (error: unknown) => {
        const isOurs = isStreamError(error) && error.grade === 'record';
        for (const one of here) {
          if (one.out.closed) continue;
          if (isOurs) alone(infer, one);
          else one.out.error(error);
        }
      },
    });
  });
  for (const { out } of here)
    out.add(() => {
      left -= 1;
      if (left === 0) running?.unsubscribe();
    });
}

function alone(infer: Infer, { inputs, ctx, scope, out }: Waiting): void {
  inScope(scope, () => {
    out.add(infer(inputs, ctx).subscribe(out));
  });
}

/** Of a request that several calls share. */
function inCommon(calls: readonly Waiting[]): CallContext | undefined {
  const all = calls.map(({ ctx, scope }): Own => ctx ?? scope);
  const [first] = calls;
  if (first === undefined) return undefined;
  const { context, key } = first.ctx ?? first.scope;
  const shared = Object.entries(context).filter(([field, value]) => all.every((one) => Reflect.get(one.context, field) === value));
  return {
    ...(first.ctx ?? { ...first.scope, signal: new AbortController().signal }), // it is aborted by being left
    deadlineMs: Math.max(...all.map(({ deadlineMs }) => deadlineMs)),
    context: Object.fromEntries(shared),
    key: all.every((one) => one.key === key) ? key : null,
  };
}

function deliver({ out, rows }: Waiting, outputs: readonly Tensor[], from: number, all: number): void {
  if (out.closed) return;
  const odd = outputs.find(({ shape }) => shape[0] !== all);
  if (odd !== undefined) {
    out.error(
      new InferenceError(
        'capability_missing',
        `expected ${String(all)} rows of output ${odd.name} for calls that were joined, got [${odd.shape.join(', ')}]: leave batch out`,
      ),
    );
    return;
  }
  out.next(outputs.map((output) => part(output, from, rows)));
  out.complete();
}

function part({ name, shape, data }: Tensor, from: number, rows: number): Tensor {
  const width = data.length / (shape[0] ?? 1);
  return { name, shape: [rows, ...shape.slice(1)], data: data.slice(from * width, (from + rows) * width) };
}

function joined(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new InferenceError('model_failed', 'expected tensors to join, got none');
  const shape = [tensors.reduce((sum, one) => sum + (one.shape[0] ?? 0), 0), ...first.shape.slice(1)];
  return { name: first.name, shape, data: concatenated(tensors.map(({ data }) => data)) };
}

function concatenated(parts: readonly TensorData[]): TensorData {
  const [first] = parts;
  if (first === undefined || !('BYTES_PER_ELEMENT' in first)) return parts.flatMap((one) => [...(one as readonly string[])]);
  const make = first.constructor as new (length: number) => Exclude<TensorData, readonly string[]>;
  const made = new make(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) {
    (made as Uint8Array).set(one as Uint8Array, at);
    at += one.length;
  }
  return made;
}
