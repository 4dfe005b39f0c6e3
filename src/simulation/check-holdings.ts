import {
  copiedRecords,
  eventsOf,
  type History,
  type Input,
  inputsById,
  isFinished,
  PartCounts,
  type Problem,
  promisesExactlyOnce,
} from './problem.ts';

/** What runs and waits at one time has its bounds, and nothing is left at the end. */
export function* checkHoldings(history: History): Generator<Problem> {
  yield* companions(history);
  yield* overfull(history);
  for (const { app, what, count, most } of eventsOf(history, 'held'))
    if (count > most)
      yield { kind: 'over-its-cap', message: `app ${String(app)} held ${String(count)} ${what}, the cap is ${String(most)}` };
  for (const { what, count } of eventsOf(history, 'left'))
    if (count !== 0) yield { kind: 'left-behind', message: `${String(count)} ${what} left behind` };
  for (const { why } of eventsOf(history, 'broken')) yield { kind: 'broken', message: why };
}

/** No two apps call for one record at once, unless one of them does not know yet that it is out; and no app twice for one part of it. */
function* companions(history: History): Generator<Problem> {
  // what was written twice may wait twice, and both may be due at once
  const copied = promisesExactlyOnce(history) ? new Set<number>() : copiedRecords(history);
  const running = new Map<string, Map<number, number>>(); // what → app → calls
  const twice = new Map<string, number>(); // app and part → calls
  const out = new Set<number>();
  for (const event of history) {
    if (event.kind === 'fault' && event.app !== undefined && isOut.has(event.name)) out.add(event.app);
    if (event.kind !== 'call') continue;
    const { app, record } = event;
    const what = `${String(record)}${event.together ? ' (in a batch)' : ''}`;
    const byApp = running.get(what) ?? new Map<number, number>();
    running.set(what, byApp);
    byApp.set(app, (byApp.get(app) ?? 0) + (event.step === 'start' ? 1 : -1));
    const own = `${String(app)} ${String(record)} ${event.part}`;
    const calls = (twice.get(own) ?? 0) + (event.step === 'start' ? 1 : -1);
    if (calls === 0) twice.delete(own);
    else twice.set(own, calls);
    if (event.step !== 'start' || event.together || out.has(app) || copied.has(record)) continue;
    if (calls > 1) yield { kind: 'called-at-once', record, message: `app ${String(app)} called twice for record ${what} at once` };
    const others = [...byApp].filter(([other, theirs]) => theirs > 0 && other !== app && !out.has(other));
    if (others.length === 0) continue;
    const message = `apps ${String(app)} and ${others.map(([other]) => other).join()} called for record ${what} at once`;
    yield { kind: 'called-at-once', record, message };
  }
  for (const [what, byApp] of running)
    for (const [app, calls] of byApp)
      if (calls !== 0 && !out.has(app)) {
        const record = Number.parseInt(what, 10);
        yield { kind: 'left-behind', record, message: `a call for record ${what} in app ${String(app)} was never ended` };
      }
}

const isOut: ReadonlySet<string> = new Set(['expelled', 'crashed']);

/** No app has more in flight than its caps say, by our own count: what it was emitted and is not finished. */
function* overfull(history: History): Generator<Problem> {
  const inputs = inputsById(history);
  const caps = new Map(eventsOf(history, 'caps').map((event) => [event.app, event]));
  const acked = new PartCounts<string>(); // by app: one that does not know that it is out may do the same
  const flying = new Map<number, Map<number, Input>>();
  const letGo = (mine: Map<number, Input>, log: string): void => {
    for (const [record, input] of mine) if (input.log === log) mine.delete(record);
  };
  for (const event of history) {
    if (event.kind === 'let-go') letGo(flying.get(event.app) ?? new Map<number, Input>(), event.log);
    // a stream that ends between may have begun again what is let go; whoever is next is given it when it is over
    if (event.kind === 'assigned') for (const mine of flying.values()) letGo(mine, event.log);
    if (event.kind === 'postponed') flying.get(event.app)?.delete(event.record);
    if (event.kind !== 'acked' && event.kind !== 'emitted') continue;
    const input = inputs.get(event.record);
    if (!input) continue;
    const own = `${String(event.app)} ${String(event.record)}`;
    if (event.kind === 'acked') {
      acked.add(own, event.part);
      if (isFinished(input.expected, acked.of(own))) flying.get(event.app)?.delete(event.record);
      continue;
    }
    const cap = caps.get(event.app);
    if (event.from !== undefined) continue; // of another log, and with another size
    if (!cap || (input.expected.outputs.length === 0 && !input.expected.mustFail)) continue; // nobody sees when it is dropped
    acked.forget(own);
    const mine = (flying.get(event.app) ?? new Map<number, Input>()).set(event.record, input);
    flying.set(event.app, mine);
    yield* overCap(event.app, [...mine.values()], cap);
  }
}

function* overCap(app: number, flying: readonly Input[], cap: { readonly records: number; readonly bytes: number }): Generator<Problem> {
  const bytes = flying.reduce((sum, one) => sum + one.bytes, 0);
  if (flying.length > cap.records)
    yield {
      kind: 'over-its-cap',
      message: `app ${String(app)} has ${String(flying.length)} records in flight, the cap is ${String(cap.records)}`,
    };
  if (flying.length > 1 && bytes > cap.bytes)
    yield { kind: 'over-its-cap', message: `app ${String(app)} has ${String(bytes)} bytes in flight, the cap is ${String(cap.bytes)}` };
}
