import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { journal, OptionError } from '../../src/index.ts';
import { ownStamp } from '../../src/journal/internal/processes.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { type FakeFiles, fakeFiles } from '../helpers/fake-files.ts';
import { testJournal as openWith, type TestJournal } from '../helpers/open-journal.ts';

// in memory: a disk of a machine that is busy takes a tenth of a second for each sync; kill.test.ts and disk.test.ts are on a real one
const dir = '/folder';
const own = `${dir}/journal-0.jsonl`;
let disk: FakeFiles;
beforeEach(() => {
  disk = fakeFiles();
});
const testJournal = (options: Parameters<typeof openWith>[0], { clock = virtualClock() } = {}): Promise<TestJournal> =>
  openWith(options, { clock, files: disk });
const names = (folder = dir): Promise<readonly string[]> => disk.list(folder);
const bytesOf = (path = own): Buffer => disk.contents.get(path) ?? Buffer.alloc(0);
const put = (bytes: Buffer | string, path = own): void => {
  disk.contents.set(path, Buffer.from(bytes));
};
const add = (text: string): void => {
  put(Buffer.concat([bytesOf(), Buffer.from(text)]));
};

/** What the journal in the folder holds of `keys`; and what it told while it was opened and asked. */
async function read(
  keys: readonly unknown[],
  folder = dir,
): Promise<{ readonly values: unknown[]; readonly told: string[]; readonly size: number }> {
  const { journal: one, told, close } = await testJournal({ dir: folder });
  const values: unknown[] = [];
  for (const key of keys) values.push((await one.get(key))?.value);
  const { size } = one;
  await close();
  return { values, told, size };
}
async function write(pairs: readonly (readonly [key: unknown, value: unknown])[], startMs = 0): Promise<void> {
  const { journal: one, close } = await testJournal({ dir }, { clock: virtualClock(startMs) });
  await Promise.all(pairs.map(([key, value]) => one.append(key, value)));
  await close();
}
const damage = (line: number): string => `warn a line of the journal is damaged: its work counts as not done ${String(line)}`;

describe('a journal', () => {
  it('holds what was appended, also for the next process; of a key the last value counts', async () => {
    const { journal: one, close } = await testJournal({ dir });
    const values = [null, false, 0, 'a\n\u2028"ü', ['x', { y: [1.5] }], { __proto__: null, z: '' }];
    await Promise.all(values.map((value, n) => one.append({ n, of: 'test' }, value)));
    await one.append({ of: 'test', n: 1 }, 'again');
    await one.append('other', 1);
    expect([one.size, await one.get({ n: 1, of: 'test', more: undefined })]).toEqual([7, { value: 'again' }]);
    await close();
    const keys = [...values.map((_, n) => ({ n, of: 'test' })), 'other', 'none'];
    expect(await read(keys)).toEqual({ values: [null, 'again', ...values.slice(2), 1, undefined], told: [], size: 7 });
    expect((await names()).toSorted()).toEqual(['journal-0.jsonl']);
    const lines = bytesOf().toString().trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object).join())).toEqual([
      'format,version',
      ...Array<string>(8).fill('k,t,c,v'),
    ]);
  });

  it.each([
    ['a date', { at: new Date(0) }],
    ['undefined', undefined],
    ['NaN', [Number.NaN]],
    [
      'a class',
      new (class A {
        a = 1;
      })(),
    ],
    [
      'a ring',
      (() => {
        const ring: unknown[] = [];
        ring.push(ring);
        return ring;
      })(),
    ],
    ['what is too long', 'x'.repeat(1_000)],
  ])('takes no value that would come back as another one, or is too long: %s', async (_, value) => {
    const { journal: one, close } = await testJournal({ dir, maxValueBytes: 1_000 });
    await expect(one.append('k', value)).rejects.toMatchObject({ code: 'encode_failed', grade: 'record' });
    await expect(one.append(value === undefined ? 1n : new Date(0), 1)).rejects.toBeInstanceOf(OptionError);
    await one.append('k', 'x'.repeat(998));
    await close();
    expect((await read(['k'])).values).toEqual(['x'.repeat(998)]);
  });

  it.each([
    [{ dir: ' ' }, 'journal.dir must be a non-empty string'],
    [{ dir: 'x', exclusive: 1 }, 'journal.exclusive must be true or false'],
    [{ dir: 'x', maxDelayMs: -1 }, 'journal.maxDelayMs must be a number from 0 to 1000'],
    [{ dir: 'x', maxValueBytes: 2 ** 31 }, 'journal.maxValueBytes must be an integer from 1'],
    [{ dir: 'x', maxBytes: 1 }, 'journal has no option maxBytes'],
  ])('refuses %j', (options, says) => {
    expect(() => journal(options as never)).toThrow(says);
  });
});

describe('what a crash leaves', () => {
  it('is read as far as it is whole, wherever it was cut, and what is appended then is whole', async () => {
    const pairs = [
      ['a', 'first'],
      ['b', { text: 'ü\n' }],
      ['c', [1, 2]],
    ] as const;
    await write(pairs);
    const whole = bytesOf();
    const ends = [...whole.keys()].filter((at) => whole[at] === 10).map((at) => at + 1);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      put(whole.subarray(0, cut));
      const { journal: one, told, close } = await testJournal({ dir });
      const count = Math.max(0, ends.filter((end) => end <= cut).length - 1); // the first line is no entry
      expect([cut, one.size, told]).toEqual([cut, count, []]);
      await one.append('after', cut);
      await close();
      const { values, told: later } = await read(['a', 'b', 'c', 'after']);
      expect([cut, values, later]).toEqual([cut, [...pairs.map(([, value], n) => (n < count ? value : undefined)), cut], []]);
    }
  });

  it('is cut off by the owner of the file alone', async () => {
    const first = await testJournal({ dir });
    await first.journal.append('a', 1);
    add('{"k":"half');
    const size = bytesOf().length;
    const second = await testJournal({ dir });
    expect([second.journal.size, second.told, bytesOf().length]).toEqual([1, [], size]);
    await second.close();
    await first.close();
  });

  it('is told when it is in the middle, byte by byte, and the work counts as not done', async () => {
    await write([
      ['a', 'first'],
      ['b', 'second'],
      ['c', 'third'],
    ]);
    const whole = bytesOf();
    const ends = [...whole.keys()].filter((at) => whole[at] === 10);
    const [, start = 0, end = 0] = ends.slice(0, 3);
    for (let at = start + 1; at < end; at += 1) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      put(changed);
      expect([at, await read(['a', 'b', 'c'])]).toEqual([at, { values: ['first', undefined, 'third'], told: [damage(3)], size: 2 }]);
    }
  });

  it('may be anything: whole lines that stand are read, nothing else is, and nothing throws', async () => {
    const values = Array.from({ length: 12 }, (_, n) => `value ${String(n)}`);
    await write(values.map((value, n) => [n, value]));
    const whole = bytesOf();
    const lines = whole.toString().split('\n');
    const spoilt = fc.record({
      from: fc.integer({ min: lines[0]?.length ?? 0, max: whole.length - 1 }),
      count: fc.integer({ min: 0, max: 300 }),
      into: fc.uint8Array({ maxLength: 300 }),
    });
    await fc.assert(
      fc.asyncProperty(spoilt, async ({ from, count, into }) => {
        const bytes = Buffer.concat([whole.subarray(0, from + 1), into, whole.subarray(from + 1 + count)]);
        put(bytes);
        const left = new Set(bytes.toString('latin1').split('\n').slice(0, -1));
        const expected = values.map((value, n) => (left.has(lines[n + 1] ?? '') ? value : undefined));
        expect((await read([...values.keys()])).values).toEqual(expected);
        expect((await read([])).size).toBe(expected.filter((one) => one !== undefined).length); // and once more, cut as it is now
      }),
      { numRuns: 60 },
    );
  });

  it('is told where a line is longer than any that was written', async () => {
    await write([['a', 1]]);
    add(`${'x'.repeat(3_000_000)}\n`);
    await write([['b', 2]]);
    expect(await read(['a', 'b'])).toEqual({ values: [1, 2], told: [damage(3)], size: 2 });
  });

  it('is found when it is read, if it came later', async () => {
    const { journal: one, told, close } = await testJournal({ dir });
    await one.append('a', 'value');
    const whole = bytesOf().toString('latin1');
    put(whole.replace('value', 'valuf'));
    expect([await one.get('a'), one.size, one.counts.damaged, told.length]).toEqual([undefined, 0, 1, 1]);
    await one.append('a', 'anew');
    expect([await one.get('a'), one.size]).toEqual([{ value: 'anew' }, 1]);
    await close();
  });

  it.each([
    ['notes of mine\nmore\n', 'is no journal'],
    ['notes', 'is no journal'],
    ['{"format":"millrace-journal","version":2}\n', 'of version 2'],
  ])('a file that is no journal is neither read nor written: %j', async (text, says) => {
    put(text);
    await expect(testJournal({ dir })).rejects.toMatchObject({ code: 'journal_failed', message: expect.stringContaining(says) as string });
    expect([bytesOf().toString(), await names()]).toEqual([text, ['journal-0.jsonl']]);
  });
});

describe('several writers', () => {
  it('each have a file, read those of the others, also what comes later, and the later value counts', async () => {
    const clock = virtualClock(1_000);
    const [a, b] = [await testJournal({ dir, lookEveryMs: 50 }, { clock }), await testJournal({ dir, lookEveryMs: 50 }, { clock })];
    await a.journal.append('k', 'of a');
    await clock.advance(1);
    await b.journal.append('k', 'of b');
    await a.journal.append('l', 'of a, later');
    expect([await b.journal.get('l'), (await names()).toSorted()]).toEqual([
      undefined,
      ['journal-0.jsonl', 'journal-0.lock', 'journal-1.jsonl', 'journal-1.lock'],
    ]);
    await clock.advance(60);
    expect([await b.journal.get('l'), await b.journal.get('k'), (await a.journal.get('none')) ?? (await a.journal.get('k'))]).toEqual([
      { value: 'of a, later' },
      { value: 'of b' },
      { value: 'of b' },
    ]);
    await a.close();
    await b.close();
    expect((await read(['k', 'l'])).values).toEqual(['of b', 'of a, later']);
    await write([['k', 'the last']], 5_000); // to the first file
    expect((await read(['k'])).values).toEqual(['the last']);
  });

  it('lose and mix up nothing, in whatever order they come and go', async () => {
    let runs = 0;
    const step = fc.record({
      who: fc.nat({ max: 2 }),
      what: fc.constantFrom('append' as const, 'append' as const, 'close' as const),
      key: fc.nat({ max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        runs += 1;
        const folder = `/run-${String(runs)}`;
        const clock = virtualClock();
        const open = new Map<number, Awaited<ReturnType<typeof testJournal>>>();
        const model = new Map<number, string>();
        for (const [n, { who, what, key }] of steps.entries()) {
          await clock.advance(1);
          const one = open.get(who);
          if (what === 'close') {
            await one?.close();
            open.delete(who);
            continue;
          }
          const writer = one ?? (await testJournal({ dir: folder }, { clock }));
          open.set(who, writer);
          await writer.journal.append(key, `${String(n)} by ${String(who)}`);
          model.set(key, `${String(n)} by ${String(who)}`);
        }
        for (const one of open.values()) await one.close();
        expect((await read([...model.keys()], folder)).values).toEqual([...model.values()]);
        expect((await names(folder)).filter((name) => name.endsWith('.lock'))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('are refused where one of them wants the folder alone', async () => {
    const alone = await testJournal({ dir, exclusive: true });
    await expect(testJournal({ dir })).rejects.toMatchObject({
      code: 'journal_in_use',
      message: expect.stringContaining(`process ${String(process.pid)} on`) as string,
    });
    await expect(testJournal({ dir, exclusive: true })).rejects.toMatchObject({ code: 'journal_in_use', grade: 'pipeline' });
    await alone.close();
    const shared = await testJournal({ dir });
    await expect(testJournal({ dir, exclusive: true })).rejects.toMatchObject({ code: 'journal_in_use' });
    await shared.close();
    await (await testJournal({ dir, exclusive: true })).close();
  });

  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  it.each([
    ['of a process that is dead', { ...ownStamp(), pid: dead }, 'journal-0.jsonl'],
    [
      'of a process whose id was given again',
      { ...ownStamp(), started: 'long ago' },
      process.platform === 'linux' ? 'journal-0.jsonl' : 'journal-1.jsonl',
    ],
    ['of one that runs', ownStamp(), 'journal-1.jsonl'],
    ['of another machine', { ...ownStamp(), pid: dead, host: `not-${hostname()}` }, 'journal-1.jsonl'],
    ['that is being made', undefined, 'journal-1.jsonl'],
  ])('take over a lock %s, or another file', async (_, stamp, file) => {
    put(stamp ? JSON.stringify({ ...stamp, token: 't', exclusive: false }) : '', `${dir}/journal-0.lock`);
    const { journal: one, close } = await testJournal({ dir });
    await one.append('k', 1);
    expect((await names()).filter((name) => name.endsWith('.jsonl'))).toEqual([file]);
    await close();
  });
});
