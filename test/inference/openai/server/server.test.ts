import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { firstValueFrom, type Observable, take, tap } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { server } from '../../../../src/inference/openai/server/server.ts';
import type { Model } from '../../../../src/inference/model.ts';
import { failureOf } from '../../../helpers/failure-of.ts';
import { allOf, resultOf } from '../../../helpers/result-of.ts';
import { impatientClock, isAlive, opened, served, until } from './opened.ts';

const textOf = async (call: Observable<{ readonly text: string }>): Promise<string> => (await allOf(call)).map(({ text }) => text).join('');
const failed = async (work: Promise<unknown>): Promise<string> => {
  const { code, message } = await failureOf(work);
  return `${code}: ${message}`;
};
const say = (model: Model, what: string): Promise<string> => textOf(model.chat(what));

describe('a server program', () => {
  it('is started, asked, and ended with its resource', async () => {
    const { model, program, close } = await opened('none');
    const pid = await say(model, 'who?');
    expect(pid).toBe(String(program.pid));
    await close();
    expect(isAlive(Number(pid))).toBe(false);
    expect(await failed(say(model, 'who?'))).toMatch(/^model_unavailable: .*closed/);
  });

  it('is ended when its model is disposed of, with the calls that run and those that wait', async () => {
    const { model, program, close } = await opened('none', { maxCalls: 1 });
    const { pid = 0 } = program;
    const calls = [failed(allOf(model.chat('endless'))), failed(say(model, 'who?'))];
    expect(await resultOf(model.state())).toMatchObject({ running: 1, waiting: 1 });
    await allOf(model.dispose());
    for (const error of await Promise.all(calls)) expect(error).toMatch(/^model_unavailable: .*disposed of/);
    expect(isAlive(pid)).toBe(false);
    await close();
  });

  it('is ready when its models can be listed, where it knows no /health', async () => {
    const { model, program } = await opened('no-health');
    expect(await say(model, 'who?')).toBe(String(program.pid));
  });

  it('gets the environment that it is given, and nothing of ours that could be a key', async () => {
    process.env['SOME_API_KEY'] = 'sesame-sesame';
    onTestFinished(() => {
      delete process.env['SOME_API_KEY'];
    });
    const { model } = await opened('none', { env: { SERVED: '{port}' } });
    const names = (await say(model, 'environment')).trim().split(' ');
    expect(names).toContain('SERVED');
    expect(names).toContain('PATH');
    expect(names).not.toContain('SOME_API_KEY');
  });

  it('listens where it is told to', async () => {
    const { program } = await opened('none');
    const taken = Number(new URL(program.origin).port);
    expect(await failed(opened('none', { port: taken }))).toContain(`model_unavailable: port ${String(taken)}`);
  });

  it('is in the log, without secrets', async () => {
    const { logged } = await opened('tells', { apiKey: 'abcd-key-1', env: { SERVED_API_KEY: 'abcd-key-1' } });
    await until(() => logged.some(({ message }) => message.includes('key [redacted] of')));
    expect(JSON.stringify(logged)).not.toContain('abcd-key-1');
  });
});

describe('a program that cannot be had', () => {
  it.each([
    ['is not there', { command: 'no-such-program-here' }, 'missing_dependency', 'on the PATH'],
    ['is told to start in no folder', { cwd: '/no/such/folder' }, 'missing_dependency', 'no folder "/no/such/folder"'],
  ])('%s', async (_, options, code, words) => {
    expect(await failed(opened('none', options))).toMatch(new RegExp(`^${code}: .*${words}`));
  });

  it('dies at its start: its last words are told', async () => {
    expect(await failed(opened('dies'))).toMatch(/^model_unavailable: .*exit code 3.*\nthe weights are not there/);
  });

  it.each([
    ['deaf', 'ECONNREFUSED'],
    ['loads', 'status 503'],
  ])('%s: it is given up after readyWithinMs, and killed', async (fault, got) => {
    expect(await failed(opened(fault, { readyWithinMs: 3_000 }))).toMatch(new RegExp(`^model_unavailable: .*within 3 s.*${got}`));
  });

  it('for want of a client: it is ended', async () => {
    vi.doMock('openai', () => {
      throw new Error('no client here');
    });
    onTestFinished(() => {
      vi.doUnmock('openai');
    });
    let pid = 0;
    const log = (_: string, __: string, details: Readonly<Record<string, unknown>> = {}): void => {
      pid = Number(details['pid'] ?? pid);
    };
    const context = { clock: systemClock, signal: new AbortController().signal, log };
    await expect(server(served('none')).open(context)).rejects.toThrow();
    expect(pid).toBeGreaterThan(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('whoever opens it gives up: it is ended', async () => {
    const giveUp = new AbortController();
    const opening = opened('deaf', {}, { signal: giveUp.signal });
    giveUp.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });
});

describe('a program that ends', () => {
  it('with calls in it: they fail with model_crashed, those after wait for its return', async () => {
    const { model, program } = await opened('none');
    const before = program.pid ?? 0;
    const streams = Array.from({ length: 20 }, () => failed(allOf(model.chat('endless'))));
    await firstValueFrom(model.chat('endless'));
    process.kill(before, 'SIGKILL');
    for (const error of await Promise.all(streams)) expect(error).toMatch(/^model_crashed: .*SIGKILL.*with 2\d calls in it/);
    expect(await say(model, 'who?')).toBe(String(program.pid));
    expect(program.pid).not.toBe(before);
    expect((await resultOf(model.state())).restarts).toBe(1);
  });

  it('in the middle of an answer', async () => {
    const { model } = await opened('none');
    const got: string[] = [];
    expect(await failed(allOf(model.chat('cut').pipe(tap(({ text }) => got.push(text)))))).toMatch(/^model_crashed: .*SIGSEGV/);
    expect(got).toEqual(['half of an']);
  });

  it('a cut answer of a program that lives is no crash', async () => {
    const { model, program } = await opened('none');
    expect(await failureOf(say(model, 'again'))).toMatchObject({ code: 'model_failed' });
    expect(program.restarts).toBe(0);
  });

  it('by one call, twice, alone: that call is the killer', async () => {
    const { model } = await opened('none');
    const codes: string[] = [];
    while (codes.at(-1) !== 'model_killed' && codes.length < 9) codes.push((await failureOf(say(model, 'crash'))).code);
    expect(codes).toEqual(['model_crashed', 'model_killed']);
    expect(await say(model, 'who?')).not.toBe('');
  });

  it('again and again: it rests, and says for how long', async () => {
    // time stands still, so that all of its ends are within a minute, however long it takes to start
    const { model, program } = await opened('none', {}, { clock: { ...impatientClock(30), nowMs: () => 0 } });
    let ended: number | undefined;
    await until(() => {
      if (program.phase === 'ready' && program.pid !== ended) {
        ended = program.pid;
        process.kill(program.pid ?? 0, 'SIGKILL');
      }
      return program.phase === 'resting';
    });
    const error = await failureOf(say(model, 'who?'));
    expect(error.message).toContain('keeps ending');
    expect(program.restarts).toBe(5);
    expect(error.code).toBe('model_unavailable');
    expect(error.retryAfterMs).toBeGreaterThan(10_000);
  });

  it('and whose port is taken meanwhile listens on another one', async () => {
    const { model, program } = await opened('none');
    const port = Number(new URL(program.origin).port);
    process.kill(program.pid ?? 0, 'SIGKILL');
    await until(() => program.phase !== 'ready');
    const thief = createServer().listen(port, '127.0.0.1');
    await once(thief, 'listening');
    onTestFinished(() => void thief.close());
    expect(await say(model, 'port')).not.toBe(String(port));
  });
});

describe('the end of a program', () => {
  it('that ignores SIGTERM is by force', async () => {
    const { program, close } = await opened('stubborn', { stopWithinMs: 200 });
    const { pid = 0 } = program;
    await close();
    expect(isAlive(pid)).toBe(false);
  });

  it('is the end of what it has started', async () => {
    const { logged, close } = await opened('family');
    const child = (): number => Number(/child (\d+)/.exec(logged.map(({ message }) => message).join('\n'))?.[1] ?? 0);
    await until(() => child() > 0);
    expect(isAlive(child())).toBe(true);
    await close();
    await until(() => !isAlive(child()));
  });

  it.skipIf(process.platform === 'win32')('comes with the end of the application, however that was', async () => {
    const application = fork(new URL('application.ts', import.meta.url), [JSON.stringify(served('family'))], { execArgv: [] });
    const [pid] = (await once(application, 'message')) as [number];
    expect(isAlive(pid)).toBe(true);
    application.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });
});

describe('calls', () => {
  it('wait for a place, and are refused above maxWaiting', async () => {
    const { model } = await opened('none', { maxCalls: 2, maxWaiting: 1 });
    const running = [1, 2].map(() => model.chat('endless').subscribe());
    const waiting = say(model, 'who?');
    expect(await failureOf(say(model, 'who?'))).toMatchObject({ code: 'overloaded' });
    expect(await resultOf(model.state())).toMatchObject({ running: 2, waiting: 1, slots: 2 });
    for (const one of running) one.unsubscribe();
    expect(await waiting).not.toBe('');
  });

  it('go on beside a flood of words, of which few are told', async () => {
    const { model, logged } = await opened('floods');
    for (let n = 0; n < 20; n += 1) expect(await say(model, 'who?')).not.toBe('');
    expect(await allOf(model.chat('endless').pipe(take(50)))).toHaveLength(50);
    await until(() => logged.some(({ message }) => /\d+ lines left out/.test(message)));
    expect(logged.length).toBeLessThan(2_000);
    expect(JSON.stringify(logged)).not.toContain('open-sesame');
  });
});

describe('options', () => {
  const refused: readonly (readonly [object, string])[] = [
    [{ command: '' }, 'server.command'],
    [{ args: ['serve'] }, '{port}'],
    [{ env: { A: 1 as unknown as string } }, 'server.env'],
    [{ port: 0 }, 'server.port'],
    [{ apiPath: 'v1' }, 'server.apiPath'],
    [{ maxCalls: 0 }, 'server.maxCalls'],
    [{ model: '' }, 'model'],
    [{ baseUrl: 'http://localhost' }, 'baseUrl'],
  ];
  it.each(refused)('%j is refused at the call', (wrong, words) => {
    expect(() => server(served('none', wrong))).toThrow(words);
  });
});
