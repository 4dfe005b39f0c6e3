import { defer, map, NEVER, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { callTimeout } from '../../operators/call-timeout.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { split } from '../../operators/split.ts';
import { InferenceError, PipelineError } from '../../src/errors.ts';
import { mill, type Mill, numbers, sorted, upTo } from '../helpers/mill.ts';

const unauthorized = new InferenceError('model_unauthorized', 'the server does not accept the API key');
type Process = Parameters<Mill['start']>[0];

/** Four of ten records are done, the rest meets a failure that concerns all. */
const failures: readonly { readonly failure: string; readonly code: string; readonly process: Process }[] = [
  {
    failure: 'a call fails',
    code: 'model_unauthorized',
    process: (s) => s.pipe(mapConcurrent((v) => (Number(v) < 4 ? of(v) : throwError(() => unauthorized)), { concurrency: 3 })),
  },
  {
    failure: 'a call fails with an error that wraps it',
    code: 'unwrapped',
    process: (s) =>
      s.pipe(
        mapConcurrent((v) => (Number(v) < 4 ? of(v) : throwError(() => new Error('asking', { cause: unauthorized }))), { concurrency: 3 }),
      ),
  },
  {
    failure: 'an option is wrong where the call is made',
    code: 'invalid_option',
    process: (s) => s.pipe(mapConcurrent((v) => of(v).pipe(callTimeout({ ms: Number(v) < 4 ? 1 : -1 })), { concurrency: 3 })),
  },
  {
    failure: 'an operator that is not guarded throws',
    code: 'missing_dependency',
    process: (s) =>
      s.pipe(
        map((envelope) => {
          if (Number(envelope.value) >= 4) throw new PipelineError('missing_dependency', 'not installed');
          return envelope;
        }),
      ),
  },
  {
    failure: 'one part of a record fails, and another one hangs',
    code: 'model_unauthorized',
    process: (s) =>
      s.pipe(
        split((v) => (Number(v) < 4 ? [v] : [v, 'hangs'])),
        mapConcurrent((v) => (v === 'hangs' ? NEVER : Number(v) < 4 ? of(v) : defer(() => throwError(() => unauthorized))), {
          concurrency: 99,
        }),
      ),
  },
];

describe('a failure that concerns all records stops the pipeline', () => {
  it.each(failures)(
    'when $failure: nothing is dead-lettered, what is done is committed, the rest comes again',
    async ({ code, process }) => {
      const m = await mill();
      await m.feed(numbers(10));
      const app = await m.start(process);
      const failed = expect(app.done).rejects.toMatchObject(code === 'unwrapped' ? { message: 'asking' } : { code });
      await m.clock.advance(5_000);
      await failed;
      expect([app.state, m.letters(), m.outputs(), m.committed(), m.transport.broker.members('mill')]).toEqual([
        'failed',
        [],
        upTo(4),
        [4n],
        [],
      ]);
      expect(app.stats()).toMatchObject({ done: 4, failed: 0 });
      const next = await m.start((s) => s);
      await m.clock.advance(5_000);
      expect([sorted(m.outputs()), next.stats().failed]).toEqual([upTo(10), 0]);
    },
  );
});
