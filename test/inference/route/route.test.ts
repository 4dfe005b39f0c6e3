import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../../src/classify.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { fakeBackend } from '../fake-backend.ts';
import { ask, callsOf, calmScope, openRoute, resourceOf, said } from './opened.ts';

const failing = (name: string, status = 500): ScriptedModel =>
  said(name, { faults: [{ share: 1, fault: status === 429 ? { kind: 'overload' } : { kind: 'status', status } }] });

describe('route', () => {
  it('gives each call to the model that has least to do, and the place of one that has ended to the next', async () => {
    const clock = virtualClock();
    const models = [said('a', { latencyMs: 100 }), said('b', { latencyMs: 300 })];
    const { model } = await openRoute(clock, { models });
    for (let i = 0; i < 4; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf(models)).toEqual([2, 2]);
    await clock.advance(150);
    for (let i = 0; i < 2; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf(models)).toEqual([4, 2]);
    await clock.runUntilIdle();
    expect((await firstValueFrom(model.state())).running).toBe(0);
    expect(model.describe(0).parts?.map(({ used, numbers }) => [used, numbers?.['outstanding_tokens']])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it.each([
    { what: 'a server error', status: 500 },
    { what: 'an overload', status: 429 },
    { what: 'a key that is refused', status: 401 },
  ])('asks the next model at once after $what, and the call further out sees one answer', async ({ status }) => {
    const clock = virtualClock();
    const [bad, good] = [failing('bad', status), said('good')];
    const { model } = await openRoute(clock, { models: [[bad], [good]] });
    expect(await ask(clock, model)).toBe('good');
    expect(callsOf([bad, good])).toEqual([1, 1]);
    expect(model.describe(0).numbers).toMatchObject({ calls_total: 1, failovers_total: 1 });
  });

  it('asks nobody else for what lies with the record', async () => {
    const clock = virtualClock();
    const [bad, good] = [failing('bad', 400), said('good')];
    const { model } = await openRoute(clock, { models: [[bad], [good]] });
    expect((await failureOf(ask(clock, model))).code).toBe('model_rejected');
    expect(callsOf([bad, good])).toEqual([1, 0]);
  });

  it('never goes on with another model when a stream has emitted', async () => {
    const clock = virtualClock();
    const cut = scripted('one two three', { name: 'cut', faults: [{ share: 1, fault: { kind: 'cut', afterTokens: 1 } }] });
    const spare = said('spare');
    const { model } = await openRoute(clock, { models: [[cut], [spare]] });
    expect((await failureOf(ask(clock, model))).code).toBe('model_failed');
    expect(callsOf([cut, spare])).toEqual([1, 0]);
  });

  it('leaves a model alone after three failures, lets one call probe when its time is over, and comes back with its success', async () => {
    const clock = virtualClock();
    const weak = said('weak', { storms: [{ fromMs: 0, toMs: 5_500, fault: { kind: 'status', status: 500 } }] });
    const spare = said('spare');
    const { model, logged } = await openRoute(clock, { models: [[weak], [spare]], health: { coolDownMs: 2_000, maxCoolDownMs: 2_000 } });
    for (let i = 0; i < 5; i += 1) expect(await ask(clock, model)).toBe('spare');
    // three failures at 0, 1,000 and 2,000; out until 3,510 to 4,010 with a chance of 0.5, so the call at 4,000 probes
    expect(weak.stats.calls).toBe(4);
    expect(model.describe(clock.nowMs()).parts?.[0]).toMatchObject({ reason: 'the model is left alone for its failures' });
    expect(logged[0]).toMatch(/^warn: model weak of route is left alone for 1500 ms: /);
    await clock.advance(2_000);
    expect([await ask(clock, model), await ask(clock, model)]).toEqual(['weak', 'weak']);
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ failures_total: 4, open_degree: 0, cool_downs_total: 2 });
  });

  it('sends one probe at a time, and everybody else elsewhere', async () => {
    const clock = virtualClock();
    const weak = said('weak', { latencyMs: 400, storms: [{ fromMs: 0, toMs: 10, fault: { kind: 'overload', retryAfterMs: 2_000 } }] });
    const spare = said('spare');
    const { model } = await openRoute(clock, { models: [[weak], [spare]] });
    expect(await ask(clock, model)).toBe('spare');
    await clock.advance(1_499);
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ open_degree: 2 });
    await clock.advance(1); // 400, 2,000 and a twentieth of that
    for (let i = 0; i < 4; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf([weak, spare])).toEqual([2, 4]);
    await clock.runUntilIdle();
    for (let i = 0; i < 4; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf([weak, spare])).toEqual([6, 4]);
    await clock.runUntilIdle();
  });

  it('fails as an open breaker when all are left alone, with the time of the first, and its own error where nobody waits', async () => {
    const clock = virtualClock();
    const models = [
      said('a', { faults: [{ share: 1, fault: { kind: 'overload', retryAfterMs: 4_000 } }] }),
      said('b', { faults: [{ share: 1, fault: { kind: 'overload', retryAfterMs: 8_000 } }] }),
    ];
    const { model } = await openRoute(clock, { models });
    expect(await failureOf(ask(clock, model))).toMatchObject({ code: 'overloaded' });
    const waited = await failureOf(ask(clock, model, 'hello', calmScope(clock, { waitsOut: true })));
    expect(waited).toMatchObject({ code: 'breaker_open' });
    expect(waited.retryAfterMs).toBe(4_200 - 1_000 + 10);
    expect(callsOf(models)).toEqual([1, 1]);
    expect(model.describe(clock.nowMs())).toMatchObject({
      pausedUntilMs: 4_210,
      reason: 'every model of the pool is left alone for its failures',
    });
  });

  it('counts a call that was given up in silence, and not one whose model was telling others something', async () => {
    const clock = virtualClock();
    const mute = completeModel({ ...fakeBackend(['hang']), name: 'mute' });
    const resource = resourceOf(mute);
    const spare = said('spare');
    const { model } = await openRoute(clock, { models: [[resource], [spare]], health: { failures: 1 } });
    const short = within(calmScope(clock), model.chat('hello')).subscribe();
    await clock.advance(4_999);
    short.unsubscribe();
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers?.['failures_total']).toBe(0);
    const long = within(calmScope(clock), model.chat('hello')).subscribe();
    await clock.advance(5_000);
    long.unsubscribe();
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ failures_total: 1, open_degree: 2, outstanding_tokens: 0 });
    expect(await ask(clock, model)).toBe('spare');
  });

  it('asks the next where one has not begun to answer in time', async () => {
    const clock = virtualClock();
    const [slow, quick] = [said('slow', { latencyMs: 900 }), said('quick')];
    const { model } = await openRoute(clock, { models: [[slow], [quick]], answerWithinMs: 100 });
    expect(await ask(clock, model)).toBe('quick');
    expect(slow.stats.aborted).toBe(1);
  });

  it('lets calls wait where every model has as many as it may, and takes them in their order', async () => {
    const clock = virtualClock();
    const only = said('only', { latencyMs: 100 });
    const { model } = await openRoute(clock, { models: [{ model: only, maxCalls: 1 }] });
    const seen: string[] = [];
    const asked = ['a', 'b', 'c', 'd'].map((name) =>
      within(calmScope(clock), model.chat(name)).subscribe({ complete: () => seen.push(name), error: expect.unreachable }),
    );
    expect([only.stats.running, model.describe(0).waiting]).toEqual([1, 3]);
    asked[1]?.unsubscribe();
    expect(model.describe(0)).toMatchObject({ waiting: 2, reason: 'every model that can do it has as many calls as it may' });
    await clock.runUntilIdle();
    expect([seen, only.stats.maxRunning, only.stats.calls, model.describe(0).waiting]).toEqual([['a', 'c', 'd'], 1, 3, 0]);
  });

  it('tells those that wait when the model that they wait for is left alone', async () => {
    const clock = virtualClock();
    const weak = said('weak', { latencyMs: 100, faults: [{ share: 1, fault: { kind: 'overload', retryAfterMs: 60_000 } }] });
    const { model } = await openRoute(clock, { models: [{ model: weak, maxCalls: 1 }] });
    const codes: unknown[] = [];
    for (let i = 0; i < 3; i += 1)
      within(calmScope(clock, { waitsOut: true }), model.chat('hello')).subscribe({
        error: (error: unknown) => codes.push(codeOf(error)),
      });
    await clock.advance(100);
    expect([codes, weak.stats.calls]).toEqual([['breaker_open', 'breaker_open', 'breaker_open'], 1]);
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(100);
  });

  it('has those that wait try a model again when its time is over', async () => {
    const clock = virtualClock();
    const slow = said('slow', { latencyMs: 10_000 });
    const weak = said('weak', { storms: [{ fromMs: 0, toMs: 20, fault: { kind: 'overload', retryAfterMs: 1_000 } }] });
    const { model } = await openRoute(clock, { models: [[weak], [{ model: slow, maxCalls: 1 }]] });
    within(calmScope(clock), model.chat('hello')).subscribe();
    await clock.advance(10);
    const seen: string[] = [];
    within(calmScope(clock), model.chat('hello')).subscribe({ next: ({ text }) => seen.push(text), error: expect.unreachable });
    expect([slow.stats.running, model.describe(0).waiting]).toEqual([1, 1]);
    await clock.advance(1_100);
    expect(seen.join('')).toBe('weak');
    await clock.runUntilIdle();
  });

  it('sets no timer for a call that waits no more', async () => {
    const clock = virtualClock();
    const slow = said('slow', { latencyMs: 100 });
    const weak = said('weak', { storms: [{ fromMs: 0, toMs: 20, fault: { kind: 'overload', retryAfterMs: 60_000 } }] });
    const { model } = await openRoute(clock, { models: [[weak], [{ model: slow, maxCalls: 1 }]] });
    within(calmScope(clock), model.chat('hello')).subscribe();
    await clock.advance(10);
    within(calmScope(clock), model.chat('hello')).subscribe().unsubscribe();
    await clock.runUntilIdle();
    expect([clock.nowMs(), slow.stats.completed]).toEqual([110, 1]);
  });

  it('asks later tiers when there is no room, and again the first when there is', async () => {
    const clock = virtualClock();
    const [local, cloud] = [said('local', { latencyMs: 100 }), said('cloud', { latencyMs: 100 })];
    const { model } = await openRoute(clock, { models: [[{ model: local, maxCalls: 2 }], [cloud]] });
    for (let i = 0; i < 5; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf([local, cloud])).toEqual([2, 3]);
    await clock.runUntilIdle();
    await ask(clock, model);
    expect(callsOf([local, cloud])).toEqual([3, 3]);
  });
});
