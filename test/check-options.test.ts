import { describe, expect, it } from 'vitest';
import * as operators from '../operators/index.ts';
import { requireBoolean, requireFunction, requireMethods, requireOptions } from '../src/check-options.ts';
import * as millrace from '../src/index.ts';

const { topic, text, memory, silentLog } = millrace;
const spec = { name: 'x', input: topic('a', text()), deadLetter: topic('d'), process: (source: unknown): unknown => source };
const given = { transport: memory(), log: silentLog };

/** The public face as somebody sees it who has no types. */
interface Untyped {
  definePipeline(spec: unknown): millrace.Pipeline;
  start(pipeline: unknown, options: unknown): Promise<unknown>;
  topic(...given: readonly unknown[]): unknown;
  readonly [name: string]: (...given: readonly unknown[]) => unknown;
}
const untyped = { ...millrace, ...operators } as unknown as Untyped;
const define = (more: object) => (): unknown => untyped.definePipeline({ ...spec, ...more });

describe('requireOptions', () => {
  const names = { maxWaitMs: true, maxSize: true } as const;
  it.each([
    [{ maxWaitMS: 5 }, 'x has no option maxWaitMS; did you mean maxWaitMs?'],
    [{ maxSize: 1, colour: 5 }, 'x has no option colour; it takes maxWaitMs, maxSize'],
    [{ toString: 5 }, 'x has no option toString; it takes maxWaitMs, maxSize'],
    [null, 'x takes an object { … }, got null'],
    [undefined, 'x takes an object { … }, got undefined'],
    [[], 'x takes an object { … }, got a list'],
    ['maxSize', 'x takes an object { … }, got string'],
  ])('refuses %j', (options, message) => {
    expect(() => {
      requireOptions('x', options as never, names as never);
    }).toThrow(expect.objectContaining({ code: 'invalid_option', message }) as Error);
  });

  it('takes what is known, undefined included', () => {
    requireOptions<{ readonly maxWaitMs?: number | undefined; readonly maxSize: number }>('x', { maxWaitMs: undefined, maxSize: 1 }, names);
  });
});

describe('the other checks', () => {
  it.each([
    [
      'a function',
      () => {
        requireFunction('fn', 5, '(value) => value');
      },
      'fn must be a function (value) => value, got number',
    ],
    [
      'true or false',
      () => {
        requireBoolean('signals', 'no');
      },
      'signals must be true or false, got string',
    ],
    [
      'methods',
      () => {
        requireMethods('log', { debug: spec.process }, ['debug', 'warn'], 'a logger');
      },
      'log must be a logger, got one without warn()',
    ],
    [
      'an object with methods',
      () => {
        requireMethods('log', null, ['debug'], 'a logger');
      },
      'log must be a logger, got null',
    ],
  ])('expect %s', (_, check, message) => {
    expect(check).toThrow(message);
  });
});

describe('whatever takes options', () => {
  it.each<[string, () => unknown, string]>([
    ['definePipeline', define({ orderings: 'none' }), 'did you mean ordering?'],
    ['definePipeline of nothing', () => untyped.definePipeline(undefined), 'got undefined'],
    ['retry', define({ retry: { attempt: 3 } }), 'did you mean attempts?'],
    ['retry null', define({ retry: null }), 'retry must be'],
    ['input null', define({ input: null }), 'input must be a topic'],
    ['output null', define({ output: null }), 'output must be a topic'],
    [
      'resources',
      define({ resources: { r: {} } }),
      'resource r of pipeline x must be a resource such as llama({ … }), or { name, open }, got one without open()',
    ],
    ['resources null', define({ resources: null }), 'resources of pipeline x takes an object'],
    ['process', define({ process: undefined }), 'must be a function (source, resources) => Observable'],
    ['topic', () => untyped.topic('a', text(), { transactionel: false }), 'did you mean transactional?'],
    ['the codec of a topic', () => untyped.topic('a', {}), 'codec of topic a must be a codec such as json() or text()'],
    ['memory', () => untyped['memory']?.({ partition: 3 }), 'did you mean partitions?'],
    ['kafka', () => untyped['kafka']?.({ brokers: ['h:1'], sesionTimeoutMs: 5 }), 'did you mean sessionTimeoutMs?'],
    ['kafka tls', () => untyped['kafka']?.({ brokers: ['h:1'], tls: { cacert: 'x' } }), 'kafka tls has no option cacert'],
    ['tokenBudget', () => untyped['tokenBudget']?.({ tokensPerMin: 5 }), 'did you mean tokensPerMinute?'],
    ['scripted', () => untyped['scripted']?.([], { latency: 5 }), 'scripted has no option latency'],
    ['llama', () => untyped['llama']?.({ model: 'x', sequence: 5 }), 'did you mean sequences?'],
    ['openAiCompatible', () => untyped['openAiCompatible']?.({ baseUrl: 'http://h', modle: 'x' }), 'did you mean model?'],
    [
      'maxTokensField',
      () => untyped['openAiCompatible']?.({ baseUrl: 'http://h', model: 'x', maxTokensField: 'tokens' }),
      'must be one of max_tokens',
    ],
    ['mapConcurrent', () => untyped['mapConcurrent']?.(spec.process, { concurency: 5 }), 'did you mean concurrency?'],
    ['mapConcurrent without options', () => untyped['mapConcurrent']?.(spec.process), 'mapConcurrent takes an object'],
    [
      'mapConcurrent without a project',
      () => untyped['mapConcurrent']?.(undefined, { concurrency: 5 }),
      'mapConcurrent.project must be a function',
    ],
    ['batchWithin', () => untyped['batchWithin']?.({ maxSize: 1, maxWait: 5 }), 'did you mean maxWaitMs?'],
    ['split', () => untyped['split']?.(spec.process, { maxPart: 5 }), 'did you mean maxParts?'],
    ['split without a function', () => untyped['split']?.(), 'split must be a function'],
    ['callTimeout', () => untyped['callTimeout']?.({ timeoutMs: 5 }), 'callTimeout has no option timeoutMs; it takes ms'],
    ['retryWithBackoff', () => untyped['retryWithBackoff']?.({ retries: 5 }), 'retryWithBackoff has no option retries'],
    [
      'withinBudget',
      () => untyped['withinBudget']?.(millrace.tokenBudget({ tokensPerMinute: 5 }), {}),
      'withinBudget.estimate must be a function',
    ],
    ['withinBudget without a budget', () => untyped['withinBudget']?.(undefined, {}), 'withinBudget must be given a tokenBudget'],
    ['withPermit', () => untyped['withPermit']?.(5), 'withPermit must be given permits(n) or adaptiveLimit({ … }), got number'],
    ['mapValue', () => untyped['mapValue']?.(undefined), 'mapValue must be a function'],
    ['keepOnly', () => untyped['keepOnly']?.(undefined), 'keepOnly must be a function'],
    ['drop', () => untyped['drop']?.(undefined), 'drop must be a function'],
    ['routeBy', () => untyped['routeBy']?.('out'), 'routeBy must be a function'],
  ])('%s is refused', (_, call, message) => {
    expect(call).toThrow(expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining(message) as string }) as Error);
  });

  it.each<[object, string]>([
    [{ ...given, maxRecordInFlight: 3 }, 'did you mean maxRecordsInFlight?'],
    [{ ...given, unreadableMetadata: 'x' }, 'unreadableMetadata must be one of fail, ignore, got "x"'],
    [{ ...given, transport: null }, 'transport must be memory() or kafka({ brokers }), got null'],
    [{ ...given, transport: {} }, 'got one without consume()'],
    [{ log: silentLog }, 'transport must be memory() or kafka({ brokers }), got undefined'],
    [{ ...given, log: {} }, 'log must be a logger such as createLogger(), got one without debug()'],
    [{ ...given, clock: null }, 'clock must be a clock such as systemClock, got null'],
    [{ ...given, createTopics: 'yes' }, 'createTopics must be true or false, got string'],
    [{ ...given, signals: 'no' }, 'signals must be true or false, got string'],
    [{ ...given, random: 0.5 }, 'random must be a function () => number, got number'],
  ])('start refuses %#: %s', async (options, message) => {
    await expect(untyped.start(untyped.definePipeline(spec), options)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining(message) as string,
    });
  });

  it('start refuses what definePipeline has not checked', async () => {
    await expect(untyped.start({}, given)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('definePipeline') as string,
    });
  });
});
