import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../src/virtual-clock.ts';
import { fakeFiles, systemError } from '../helpers/fake-files.ts';
import { testJournal } from '../helpers/open-journal.ts';

const own = '/journal/journal-0.jsonl';
const options = { dir: '/journal' };

const system = (command: string, args: readonly string[]): void => {
  execFileSync(command, args, { stdio: 'ignore' });
};

describe('a disk that fails', () => {
  it.each([
    ['ENOSPC', 'journal_full', 'make room'],
    ['EDQUOT', 'journal_full', 'make room'],
    ['EROFS', 'journal_read_only', 'mount it writable'],
    ['EIO', 'journal_failed', 'look at the disk'],
  ])('in the midst of a write (%s) is told as %s; nothing of it is read, and it goes on when it can', async (system, code, says) => {
    const files = fakeFiles();
    const { journal, close } = await testJournal(options, { files });
    await journal.append('a', 1);
    const before = files.contents.get(own);
    for (const count of [0, 1, 100, 143]) {
      let writes = 0;
      files.fault = (doing) => (doing !== 'write' ? undefined : (writes += 1) === 1 && count > 0 ? count : systemError(system));
      const failed = await Promise.allSettled(['b', 'c', 'd'].map((key) => journal.append(key, 'x'.repeat(50))));
      for (const one of failed)
        expect(one).toMatchObject({ reason: { code, grade: 'pipeline', message: expect.stringContaining(says) as string } });
      expect([files.contents.get(own), await journal.get('b'), journal.size]).toEqual([before, undefined, 1]);
    }
    files.fault = () => undefined;
    await journal.append('b', 2);
    expect(await journal.get('b')).toEqual({ value: 2 });
    await close();
  });

  it('that could not sync, or not take back what it has, is not written to any more; another opening is', async () => {
    for (const broken of ['sync', 'truncate'] as const) {
      const files = fakeFiles();
      const { journal, close } = await testJournal(options, { files });
      await journal.append('a', 1);
      files.fault = (doing) => (doing === broken || (broken === 'truncate' && doing === 'write') ? systemError('EIO') : undefined);
      await expect(journal.append('b', 2)).rejects.toMatchObject({ code: 'journal_failed' });
      files.fault = () => undefined;
      await expect(journal.append('c', 3)).rejects.toMatchObject({ code: 'journal_failed' });
      expect([await journal.get('a'), await journal.get('b')]).toEqual([{ value: 1 }, undefined]);
      await close();
      const again = await testJournal(options, { files });
      await again.journal.append('c', 3);
      expect([again.journal.size, again.told]).toEqual([2, []]);
      await again.close();
    }
  });

  it.each(['makeFolder', 'create', 'open', 'read', 'list'] as const)(
    'fails the opening when it cannot %s, and keeps no lock',
    async (step) => {
      const files = fakeFiles();
      files.fault = (doing) => (doing === step ? systemError('EACCES') : undefined);
      await expect(testJournal(options, { files })).rejects.toMatchObject({ code: 'journal_read_only' });
      expect([...files.contents.keys()].filter((name) => name.endsWith('.lock'))).toEqual([]);
    },
  );
});

describe('appends', () => {
  it('that come together share one sync, after a delay that is bounded, and wait where too much waits', async () => {
    const files = fakeFiles();
    const clock = virtualClock();
    const { journal, close } = await testJournal({ ...options, maxDelayMs: 5, maxPendingBytes: 10_000 }, { files, clock });
    const release = files.hold();
    const state = { done: 0 };
    for (let n = 0; n < 300; n += 1)
      void journal.append(n, 'x').then(() => {
        state.done += 1;
      });
    await clock.advance(0);
    expect(files.contents.get(own)?.length).toBeLessThan(12_000); // as much as may wait went at once
    release();
    await clock.advance(20);
    expect([state.done, journal.counts.appends]).toEqual([300, 300]);
    expect(journal.counts.syncs).toBeLessThan(8);
    const alone = journal.append('alone', 1);
    await clock.advance(4);
    expect(journal.counts.appends).toBe(300);
    await clock.advance(1);
    await alone;
    void journal.append('at the end', 1);
    await close();
    expect((await testJournal(options, { files })).journal.size).toBe(302);
  });
});

it('says that a real disk is full, reads what was finished, and goes on when there is room', async (test) => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-journal-'));
  try {
    system('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
  } catch {
    test.skip('the reason: no right to mount a small disk here');
  }
  try {
    const { journal, close } = await testJournal({ dir });
    let finished = 0;
    const fill = async (): Promise<void> => {
      for (; ; finished += 1) await journal.append(finished, 'x'.repeat(3_000));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'journal_full' });
    expect([finished > 5, journal.size]).toEqual([true, finished]);
    await close();
    system('mount', ['-o', 'remount,size=1m', dir]);
    const again = await testJournal({ dir });
    await again.journal.append('more', 'x'.repeat(30_000));
    expect([again.journal.size, again.told, await again.journal.get(finished - 1)]).toEqual([
      finished + 1,
      [],
      { value: 'x'.repeat(3_000) },
    ]);
    await again.close();
    system('mount', ['-o', 'remount,ro', dir]);
    await expect(testJournal({ dir })).rejects.toMatchObject({ code: 'journal_read_only' });
  } finally {
    system('umount', [dir]);
    await rm(dir, { recursive: true });
  }
});
