import type { Event, Expected, Fault } from './history.ts';

type Input = Event & { readonly kind: 'input' };

/** Owners that end without finishing what they had begun: its records are rightly done again by the next one. */
const abrupt: readonly Fault[] = [
  'expelled',
  'crashed',
  'left-in-haste',
  'moved-in-haste',
  'down',
  'commit-lost',
  'commit-stored',
  'slow-acks',
  'send-lost',
  'send-written',
];

/** Says what is wrong with a run, in words; nothing is asked of the engine. */
export function checkHistory(history: readonly Event[]): readonly string[] {
  const faults = new Set(of(history, 'fault').map(({ name }) => name));
  return [
    ...commits(history),
    ...ends(history),
    ...repetitions(history, faults),
    ...doneAgain(history),
    ...order(history),
    ...companions(history),
    ...overfull(history),
    ...of(history, 'held').flatMap(({ app, what, count, most }) =>
      count > most ? [`app ${String(app)} held ${String(count)} ${what}, the cap is ${String(most)}`] : [],
    ),
    ...of(history, 'left').flatMap(({ what, count }) => (count === 0 ? [] : [`${String(count)} ${what} left behind`])),
    ...of(history, 'broken').map(({ why }) => why),
  ];
}

function of<K extends Event['kind']>(history: readonly Event[], kind: K): readonly (Event & { readonly kind: K })[] {
  return history.filter((event): event is Event & { readonly kind: K } => event.kind === kind);
}

const place = ({ id, partition, offset }: Input): string => `record ${String(id)} (${String(partition)}@${String(offset)})`;

/** No commit passes a record that is not finished or says that one is completed which is not, and none goes back. */
function* commits(history: readonly Event[]): Generator<string> {
  const open = new Map<number, Input[]>(); // by partition, in offset order
  const acked = new Map<number, Set<string | undefined>>();
  const committed = new Map<number, number>();
  for (const event of history) {
    if (event.kind === 'input') open.set(event.partition, [...(open.get(event.partition) ?? []), event]);
    if (event.kind === 'acked') acked.set(event.id, (acked.get(event.id) ?? new Set()).add(event.path));
    if (event.kind !== 'commit') continue;
    const { partition, offset, completed } = event;
    const before = committed.get(partition) ?? 0;
    if (offset < before) yield `the commit of partition ${String(partition)} went back from ${String(before)} to ${String(offset)}`;
    committed.set(partition, offset);
    const inputs = open.get(partition) ?? [];
    const passed = inputs.filter((input) => input.offset < offset);
    open.set(
      partition,
      inputs.filter((input) => input.offset >= offset),
    );
    for (const input of passed) {
      if (!isFinished(input.expected, acked.get(input.id) ?? new Set()))
        yield `commit ${String(partition)}@${String(offset)} passed ${place(input)}, which was not finished`;
    }
    for (const input of inputs) {
      if (completed.includes(input.offset) && !isFinished(input.expected, acked.get(input.id) ?? new Set()))
        yield `commit ${String(partition)}@${String(offset)} says that ${place(input)} is completed, which was not finished`;
    }
  }
}

function isFinished({ outputs, codes, mustFail }: Expected, acked: ReadonlySet<string | undefined>): boolean {
  if (acked.has(undefined)) return codes.length > 0;
  return !mustFail && outputs.every((path) => acked.has(path));
}

/** Each record ends as it was meant to: with all its outputs, a dead letter of the right code, or nothing. */
function* ends(history: readonly Event[]): Generator<string> {
  const written = group(
    of(history, 'output'),
    ({ id }) => id,
    ({ path }) => path,
  );
  const letters = group(
    of(history, 'letter'),
    ({ partition, offset }) => `${String(partition)}@${String(offset)}`,
    ({ code }) => code,
  );
  const inputs = of(history, 'input');
  for (const input of inputs) {
    const { outputs, codes, mustFail } = input.expected;
    const paths = new Set(written.get(input.id));
    const at = `${String(input.partition)}@${String(input.offset)}`;
    const codesSeen = letters.get(at) ?? [];
    letters.delete(at);
    written.delete(input.id);
    for (const path of paths) if (!outputs.includes(path)) yield `${place(input)} has an output that nobody made: ${path}`;
    for (const code of codesSeen)
      if (!codes.includes(code)) yield `the dead letter of ${place(input)} says ${code}, expected ${codes.join(' or ') || 'none'}`;
    if (codesSeen.length > 0) continue;
    if (mustFail) yield `${place(input)} failed and has no dead letter`;
    for (const path of outputs) if (!mustFail && !paths.has(path)) yield `${place(input)} lost its output ${path}`;
  }
  for (const id of written.keys()) yield `an output descends from record ${String(id)}, which was never written`;
  for (const at of letters.keys()) yield `a dead letter names ${at}, where no record is`;
}

/** What was stored as completed is not done again by an owner that came later, whatever has happened. */
function* doneAgain(history: readonly Event[]): Generator<string> {
  const stored = new Map<number, Extract<Event, { readonly kind: 'commit' }>>();
  const known = new Map<string, (offset: number) => boolean>(); // by owner of a partition: what it was told is completed
  const inputs = new Map(of(history, 'input').map((input) => [input.id, input]));
  for (const event of history) {
    if (event.kind === 'commit') stored.set(event.partition, event);
    if (event.kind === 'assigned') {
      const commit = stored.get(event.partition);
      const completed = new Set(commit?.completed);
      const isDone = (offset: number): boolean => offset < (commit?.offset ?? 0) || completed.has(offset);
      known.set(`${String(event.partition)} ${String(event.app)}/${String(event.epoch)}`, isDone);
    }
    if (event.kind !== 'emitted') continue;
    const input = inputs.get(event.id);
    if (!input) continue;
    const owner = `${String(event.app)}/${String(event.epoch)}`;
    if (known.get(`${String(input.partition)} ${owner}`)?.(input.offset) === true)
      yield `${place(input)} was done again by ${owner}, which knew that it was completed`;
  }
}

/** Nothing happens twice without a reason. */
function* repetitions(history: readonly Event[], faults: ReadonlySet<Fault>): Generator<string> {
  const builds = new Map<number, number>();
  const last = new Map<number, { readonly owner: string; readonly builds: number }>();
  const again = new Set<number>();
  const names = new Map(of(history, 'input').map((input) => [input.id, place(input)]));
  for (const event of history) {
    if (event.kind === 'built') builds.set(event.app, (builds.get(event.app) ?? 0) + 1);
    if (event.kind !== 'emitted') continue;
    const now = { owner: `${String(event.app)}/${String(event.epoch)}`, builds: builds.get(event.app) ?? 0 };
    const before = last.get(event.id);
    last.set(event.id, now);
    if (!before) continue;
    again.add(event.id);
    const name = names.get(event.id) ?? String(event.id);
    if (before.owner === now.owner && before.builds === now.builds) yield `${name} was emitted twice into one stream`;
    if (before.owner !== now.owner && !abrupt.some((fault) => faults.has(fault)))
      yield `${name} was done again by ${now.owner} after ${before.owner}, which ended well`;
  }
  if (faults.has('send-written') || faults.has('down')) return; // the broker itself repeats what it did not answer
  const counts = new Map<string, number>();
  for (const { id, path } of of(history, 'output')) counts.set(`${String(id)} ${path}`, (counts.get(`${String(id)} ${path}`) ?? 0) + 1);
  for (const [what, count] of counts)
    if (count > 1 && !again.has(Number(what.split(' ')[0])))
      yield `output ${what} was written ${String(count)} times although its record ran once`;
  const letters = group(
    of(history, 'letter'),
    ({ partition, offset }) => `${String(partition)}@${String(offset)}`,
    ({ code }) => code,
  );
  for (const input of of(history, 'input')) {
    const seen = letters.get(`${String(input.partition)}@${String(input.offset)}`) ?? [];
    // what cannot be decoded is never emitted: only an abrupt end explains its repetition
    const explained = again.has(input.id) || (!last.has(input.id) && abrupt.some((fault) => faults.has(fault)));
    if (seen.length > 1 && !explained) yield `${place(input)} has ${String(seen.length)} dead letters although it ran once`;
  }
}

/** In a lane nothing starts, and nothing is written, before what stands in front of it: judged on first occurrences. */
function* order(history: readonly Event[]): Generator<string> {
  const inputs = new Map(of(history, 'input').map((input) => [input.id, input]));
  const seen = new Set<string>();
  const furthest = new Map<string, Input>();
  const emissions = new Map<number, number>();
  for (const event of history) {
    if (event.kind !== 'output' && !(event.kind === 'call' && event.step === 'start') && event.kind !== 'emitted') continue;
    const input = inputs.get(event.id);
    if (input?.lane === undefined) continue;
    if (input.expected.codes.length > (input.expected.mustFail ? 1 : 0)) continue; // it may fail once, and come through when it is done again
    if (event.kind === 'emitted') emissions.set(event.id, (emissions.get(event.id) ?? 0) + 1);
    // without a key it may go elsewhere the second time; a part of what fails may be written the second time alone
    if (event.kind === 'output' && (!input.keyed || input.expected.mustFail) && emissions.get(event.id) !== 1) continue;
    // of calls, each owner's: what is done again may fail elsewhere than the first time, and call for other parts
    const what =
      event.kind === 'output' ? `output in ${event.log}` : event.kind === 'call' ? `call in app ${String(event.app)}` : event.kind;
    const key = `${what} ${String(event.id)} ${event.kind === 'emitted' ? '' : event.path}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const line = `${what} ${input.lane}`;
    const before = furthest.get(line);
    if (before && before.offset > input.offset) yield `${what}: ${place(input)} came after ${place(before)} of its lane`;
    else furthest.set(line, input);
  }
}

/** No two apps call for one record at once, unless one of them does not know yet that it is out. */
function* companions(history: readonly Event[]): Generator<string> {
  const running = new Map<string, Map<number, number>>(); // what → app → calls
  const out = new Set<number>();
  for (const event of history) {
    if (event.kind === 'fault' && event.app !== undefined && (event.name === 'expelled' || event.name === 'crashed')) out.add(event.app);
    if (event.kind !== 'call') continue;
    const what = `${String(event.id)}${event.together ? ' (in a batch)' : ''}`;
    const byApp = running.get(what) ?? new Map<number, number>();
    running.set(what, byApp);
    byApp.set(event.app, (byApp.get(event.app) ?? 0) + (event.step === 'start' ? 1 : -1));
    const others = [...byApp].filter(([app, calls]) => calls > 0 && app !== event.app && !out.has(app));
    if (event.step === 'start' && !event.together && others.length > 0 && !out.has(event.app))
      yield `apps ${String(event.app)} and ${others.map(([app]) => app).join()} called for record ${what} at once`;
  }
  for (const [what, byApp] of running)
    for (const [app, calls] of byApp)
      if (calls !== 0 && !out.has(app)) yield `a call for record ${what} in app ${String(app)} was never ended`;
}

/** No app has more in flight than its caps say, by our own count: what it was emitted and is not finished. */
function* overfull(history: readonly Event[]): Generator<string> {
  const inputs = new Map(of(history, 'input').map((input) => [input.id, input]));
  const caps = new Map(of(history, 'caps').map((event) => [event.app, event]));
  const acked = new Map<string, Set<string | undefined>>(); // by app: one that does not know that it is out may do the same
  const flying = new Map<number, Set<Input>>();
  for (const event of history) {
    if (event.kind === 'let-go') {
      const mine = flying.get(event.app) ?? new Set<Input>();
      for (const input of mine) if (input.partition === event.partition) mine.delete(input);
    }
    // a stream that ends between may have begun again what is let go; whoever is next is given it when it is over
    if (event.kind === 'assigned')
      for (const mine of flying.values()) for (const input of mine) if (input.partition === event.partition) mine.delete(input);
    if (event.kind !== 'acked' && event.kind !== 'emitted') continue;
    const input = inputs.get(event.id);
    if (!input) continue;
    const own = `${String(event.app)} ${String(event.id)}`;
    if (event.kind === 'acked') {
      const paths = (acked.get(own) ?? new Set()).add(event.path);
      acked.set(own, paths);
      if (isFinished(input.expected, paths)) flying.get(event.app)?.delete(input);
      continue;
    }
    const cap = caps.get(event.app);
    if (!cap || (input.expected.outputs.length === 0 && !input.expected.mustFail)) continue; // nobody sees when it is dropped
    acked.delete(own);
    const mine = (flying.get(event.app) ?? new Set<Input>()).add(input);
    flying.set(event.app, mine);
    const bytes = [...mine].reduce((sum, one) => sum + one.bytes, 0);
    if (mine.size > cap.records)
      yield `app ${String(event.app)} has ${String(mine.size)} records in flight, the cap is ${String(cap.records)}`;
    if (mine.size > 1 && bytes > cap.bytes)
      yield `app ${String(event.app)} has ${String(bytes)} bytes in flight, the cap is ${String(cap.bytes)}`;
  }
}

function group<T, K, V>(items: readonly T[], key: (item: T) => K, value: (item: T) => V): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), value(item)]);
  return groups;
}
