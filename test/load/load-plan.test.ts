import { describe, expect, it } from 'vitest';
import { mergedOptions } from '../../src/cli/load-command.ts';
import { readOptions } from '../../src/load/load-file.ts';
import { type LoadOptions, loadPlan } from '../../src/load/load-plan.ts';
import { shownUrl, targetOf } from '../../src/load/target-kind.ts';

const url = 'http://h:1';

describe('a target', () => {
  it.each([
    ['http://h:1', 'auto', 'openai-chat', 'http://h:1/v1/chat/completions'],
    ['http://h:1/', 'generate', 'generate', 'http://h:1/v1/generate'],
    ['http://h:1/v1/', 'openai-completions', 'openai-completions', 'http://h:1/v1/completions'],
    ['http://h:1/api/v3', 'auto', 'openai-chat', 'http://h:1/api/v3/chat/completions'],
    ['http://h:1/v1/completions', 'auto', 'openai-completions', 'http://h:1/v1/completions'],
    ['http://h:1/x/generate', 'auto', 'generate', 'http://h:1/x/generate'],
    ['http://h:1/stream', 'auto', 'sse', 'http://h:1/stream'],
    ['http://h:1/', 'sse', 'sse', 'http://h:1/'],
    ['http://h:1/any', 'openai-chat', 'openai-chat', 'http://h:1/any'],
  ] as const)('%s as %s is %s at %s', (given, kind, expected, at) => {
    const { url: found, kind: of } = targetOf(new URL(given), kind);
    expect([of, found.href]).toEqual([expected, at]);
  });

  it('is shown without what may be secret', () => {
    expect(shownUrl(new URL('https://me:secret@h/v1?key=secret'))).toBe('https://h/v1');
  });
});

describe('a plan', () => {
  it.each<[LoadOptions, object]>([
    [
      {},
      {
        shape: { loop: 'closed', queues: 5, queueIsUser: false },
        limit: { by: 'loops', loops: 20 },
        warmUp: undefined,
        timeoutMs: 120_000,
      },
    ],
    [
      { users: 1_000, tasks: 7 },
      { shape: { queues: 1_000, queueIsUser: true }, limit: { by: 'tasks', tasks: 7 } },
    ],
    [{ duration: 60 }, { limit: { by: 'time', durationMs: 60_000 } }],
    [{ mode: 'Duration', duration: '1.5m', tasks: 3 }, { limit: { by: 'time', durationMs: 90_000 } }],
    [{ mode: 'count', duration: '1m', tasks: 3 }, { limit: { by: 'tasks', tasks: 3 } }],
    [{ rate: '600/min', tasks: 3 }, { shape: { loop: 'open', perSecond: 10, maxOpen: 1_000 } }],
    [{ rate: 0.5, duration: '1h' }, { shape: { loop: 'open', perSecond: 0.5 } }],
    [{ warmUp: '4' }, { warmUp: { by: 'tasks', tasks: 4 } }],
    [{ warmUp: '10s' }, { warmUp: { by: 'time', durationMs: 10_000 } }],
    [{ url: '127.0.0.1:8080' }, { target: { kind: 'openai-chat' } }],
  ])('%o', (options, expected) => {
    expect(loadPlan({ url, ...options })).toMatchObject(expected);
  });

  it.each<[LoadOptions, RegExp]>([
    [{ url: undefined }, /nothing to press: give --url/],
    [{ url: 'ftp://me:secret@x' }, /url must be an address .*, got "…@x"/],
    [{ kind: 'grpc' }, /kind must be one of auto, openai-chat/],
    [{ mode: 'forever' }, /mode must be one of count, duration, got "forever"/],
    [{ mode: 'duration' }, /mode duration needs a duration/],
    [{ duration: 'soon' }, /duration must be a time such as 30s/],
    [{ duration: '5s', tasks: 5 }, /say which ends the run/],
    [{ tasks: 5, loops: 5 }, /give one of them/],
    [{ rate: '10/s' }, /rate alone has no end/],
    [{ rate: 'fast', tasks: 1 }, /rate must be tasks in a time, such as 10\/s/],
    [{ rate: 0, tasks: 1 }, /rate a second must be a number above 0/],
    [{ rate: 1, queues: 2 }, /rate is an open loop, which has no queues/],
    [{ maxOpen: 5 }, /max-open is for an open loop/],
    [{ queues: 0 }, /queues must be an integer from 1/],
    [{ users: 20_000 }, /users without queues must be an integer from 1 to 10000/],
    [{ warmUp: 'some' }, /warm-up must be a time/],
    [{ timeout: '2h' }, /timeout in ms/],
    [{ url: 'http://a%zz:b@h' }, /url has a user or a password in which a % stands alone/],
  ])('%o is refused', (options, message) => {
    expect(() => loadPlan({ url, ...options })).toThrow(message);
  });
});

describe('a file of options', () => {
  const pressure = { url: 'http://h/v1', mode: 'count', queues: 5, tasks: 100, duration: 60, users: 10 };

  it.each([
    [
      'nested',
      'pressure:\n  target-url: http://h/v1\n  mode: count\n  num-threads: 5\n  num-tasks: 100\n  duration: 60\n  num-users: 10\n',
    ],
    [
      'dotted',
      'pressure.target-url: http://h/v1\npressure.mode: count\npressure.num-threads: 5\npressure.num-tasks: 100\npressure.duration: 60\npressure.num-users: 10\n',
    ],
  ])('takes the names of the older tool, %s', async (_, text) => {
    const { options, warnings } = await readOptions(text, 'p.yaml');
    expect([options, warnings]).toEqual([pressure, []]);
    expect(loadPlan(options)).toMatchObject({ shape: { queues: 5, queueIsUser: false }, limit: { by: 'tasks', tasks: 100 }, users: 10 });
  });

  it('takes every option of the command line, and a body', async () => {
    const text = 'url: http://h\nmax-tokens: 9\nmaxOpen: 3\nrate: 10/s\nwarm_up: 10s\nout: there\nlog:\nbody: { temperature: 0 }\n';
    expect(await readOptions(text, 'p.yaml')).toEqual({
      options: { url: 'http://h', maxTokens: 9, maxOpen: 3, rate: '10/s', warmUp: '10s', out: 'there', body: { temperature: 0 } },
      warnings: [],
    });
  });

  it('says what it does not know, where, and what was meant', async () => {
    const { warnings } = await readOptions('url: http://h\n\npressure:\n  num-thread: 5\n  colour: red\n', 'p.yaml');
    expect(warnings).toEqual([
      'p.yaml:4: there is no option pressure.num-thread; did you mean num-threads? It is left out',
      'p.yaml:5: there is no option pressure.colour; it is left out',
    ]);
  });

  it.each([
    ['a: [', /^p\.yaml:1: no YAML: /],
    ['a: 1\na: 2', /^p\.yaml:2: no YAML: /],
    ['- a', /^p\.yaml:1: expected names with values/],
    ['url: http://h\nqueues: many', /^p\.yaml:2: queues must be an integer, got "many"/],
    ['queues: 1\npressure:\n  num-threads: 2', /^p\.yaml:3: pressure\.num-threads says again what stands in p\.yaml:1/],
    ['\n\nbody: hello', /^p\.yaml:3: body must be an object, got "hello"/],
    ['\nbody: &a { self: *a }', /^p\.yaml:2: its aliases make no value: .*circular/],
    ['\nbody: { x: *nobody }', /^p\.yaml:2: its aliases make no value: .*nobody/],
  ])('%j is refused with its place', async (text, message) => {
    await expect(readOptions(text, 'p.yaml')).rejects.toThrow(message);
  });

  it('does not unpack aliases without end', async () => {
    const text = `a: &a [${'x,'.repeat(99)}]\nbody: { x: [${'*a,'.repeat(200)}] }`;
    await expect(readOptions(text, 'p.yaml')).rejects.toThrow(/^p\.yaml:2: its aliases make no value: Excessive/);
  });

  it.each<[string, Parameters<typeof mergedOptions>[1], object]>([
    ['a flag goes before it', { users: 3 }, { ...pressure, users: 3 }],
    ['a rate replaces its queues', { rate: '1/s' }, { url: pressure.url, mode: 'count', tasks: 100, duration: 60, users: 10, rate: '1/s' }],
    ['a duration replaces its end', { duration: '5s' }, { url: pressure.url, queues: 5, users: 10, duration: '5s' }],
    ['a mode chooses among what it says', { mode: 'duration' }, { ...pressure, mode: 'duration' }],
  ])('%s', (_, flags, expected) => {
    const merged = mergedOptions(pressure, flags);
    expect(merged).toEqual(expected);
    expect(() => loadPlan(merged)).not.toThrow();
  });
});
