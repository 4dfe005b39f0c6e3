import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { type CallScope, currentScope, inScope } from '../../call.ts';
import { InferenceError, isStreamError } from '../../errors.ts';
import type { CancelTimer } from '../../clock.ts';
import type { ModelBackend, Tensor, TensorData } from '../model.ts';
import { JoinedCalls } from './joined-calls.state.ts';

type Infer = NonNullable<ModelBackend['infer']>;

interface Waiting {
  readonly inputs: readonly Tensor[];
  readonly rows: number;
  readonly out: Subscriber<readonly Tensor[]>;
  readonly scope: CallScope;
}

/**
 * Calls that come together as one request, along the first dimension. Where the server refuses such a request for what is in it, each call is asked alone: none
 * fails for another one's data. Whoever leaves is taken out; a request is aborted when all of its calls have left.
 */
export function joinedInfer(infer: Infer, { maxWaitMs, maxRows = 64 }: { readonly maxWaitMs: number; readonly maxRows?: number }): Infer {
  const waiting = new JoinedCalls<Waiting>({ maxWaitMs, maxRows });
  let cancel: CancelTimer | undefined;

  const sendAll = (groups: readonly (readonly Waiting[])[]): void => {
    for (const group of groups) send(infer, group);
  };
  const arm = ({ clock }: CallScope): void => {
    cancel?.();
    const { nextMs } = waiting;
    cancel =
      nextMs === undefined
        ? undefined
        : clock.schedule(Math.max(0, nextMs - clock.nowMs()), () => {
            sendAll(waiting.due(clock.nowMs()));
            arm({ clock } as CallScope);
          });
  };
  return (inputs, ctx) =>
    new Observable((out) => {
      const scope = currentScope();
      const rows = rowsOf(inputs);
      if (rows === undefined) {
        infer(inputs, ctx).subscribe(out);
        return;
      }
      const one = { inputs, rows, out, scope };
      out.add(() => {
        waiting.remove(one);
        arm(scope);
      });
      sendAll(waiting.add({ call: one, kind: kindOf(inputs), rows }, scope.clock.nowMs()));
      arm(scope);
    });
}

/** Rows of all inputs together; undefined where they have none, or not the same. */
function rowsOf(inputs: readonly Tensor[]): number | undefined {
  const [rows] = inputs[0]?.shape ?? [];
  return rows !== undefined && rows > 0 && inputs.every(({ shape }) => shape[0] === rows) ? rows : undefined;
}

const kindOf = (inputs: readonly Tensor[]): string =>
  JSON.stringify(
    inputs.map(({ name, shape, data }) => [name, shape.slice(1), 'BYTES_PER_ELEMENT' in data ? data[Symbol.toStringTag] : '']),
  );

function send(infer: Infer, group: readonly Waiting[]): void {
  const here = group.filter(({ out }) => !out.closed);
  const [first] = here;
  if (first === undefined) return;
  const alone = (one: Waiting): void => {
    inScope(one.scope, () => {
      one.out.add(infer(one.inputs).subscribe(one.out));
    });
  };
  if (here.length === 1) {
    alone(first);
    return;
  }
  let left = here.length;
  let running: Subscription | undefined;
  const all = first.inputs.map((input, at) => joined(here.map(({ inputs }) => inputs[at] ?? input)));
  inScope(first.scope, () => {
    running = infer(all).subscribe({
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
          if (isOurs) alone(one);
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
