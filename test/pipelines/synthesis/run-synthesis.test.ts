import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { join } from 'node:path';
import { z } from 'zod';
import { cassette } from '../../../src/inference/cassette/cassette.ts';
import type { Model } from '../../../src/inference/model.ts';
import type { Resource } from '../../../src/resource.ts';
import type { ScriptedCall, ScriptedSaying } from '../../../src/inference/scripted/script.ts';
import { connect } from '../../../src/runtime/connect.ts';
import { json } from '../../../src/codec/json.ts';
import { topic } from '../../../src/pipeline.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import type { SynthesisRunOptions } from '../../../pipelines/synthesis/run-options.ts';
import { runSynthesis } from '../../../pipelines/synthesis/run-synthesis.ts';
import { RunFolder } from '../../../pipelines/synthesis/run-folder.ts';
import { begunIn, begunRun, linesOf, pairsOf } from './begun-run.ts';
import { mathAgent, mathModel } from '../../helpers/math-agent.ts';
import { seedHere } from '../../helpers/seed-here.ts';

const config = { environment_mode: 'math', max_depth: 3, worker_memory_mb: 200 };
const model = (options = {}) => ({ resource: mathModel(options), isRemote: false });
const says = (agent: (call: ScriptedCall) => ScriptedSaying) => ({
  resource: scripted(agent, { name: 'math-agent' }),
  isRemote: false,
});
/** All but what is about processes. */
const runHere = (options: SynthesisRunOptions) => runSynthesis({ ...options, seedWork: seedHere });

describe('a run', () => {
  it('makes pairs of seeds, each in a process of its own, and says what it took', async () => {
    const folder = await begunRun(config, ['primes', { id: 'b', name: 'squares' }]);
    const pids = new Set<number>();
    const summary = await runSynthesis({ folder, model: model(), workers: 2, onStart: (pid) => pids.add(pid) });
    expect(summary).toMatchObject({ seeds: 2, done: 2, failed: 0, open: 0, endedBy: 'complete' });
    const lines = await linesOf(folder);
    expect(new Set(lines.map(({ source_id: id }) => id))).toEqual(new Set(['b', expect.stringMatching(/^[0-9a-f]{16}$/)]));
    expect(lines[0]).toMatchObject({ mode: 'math', model: 'math-agent', tools: ['calculator'], checks: { answerable: 'pass' } });
    expect([pids.size, summary.pairs]).toEqual([2, lines.length]);
    const statistics = JSON.parse(await readFile(folder.statistics, 'utf8')) as object;
    expect(statistics).toMatchObject({ is_complete: true, total: { done: 2, pairs: { kept: lines.length } } });
    expect(JSON.parse(await readFile(folder.trajectories, 'utf8'))).toHaveLength(4);
  });

  it('gives the same set of pairs at any number of workers, in whatever order seeds complete, near duplicates among them', async () => {
    const seeds = ['the sum of two', 'the sum of two!', 'the sum of two?', 'the area of a ring', 'the area of a ring!', 'cubes'];
    // by several, those come last that all others are held against
    const slow = () => says((call) => ({ text: mathAgent(call), latencyMs: /(two|ring)\n/.test(call.text) ? 150 : 1 }));
    const runs = [1, 4].map(async (workers) => {
      const folder = await begunRun(config, seeds);
      const summary = await runHere({ folder, model: slow(), workers, availableMb: 8_000 });
      return { lines: await linesOf(folder), summary, statistics: JSON.parse(await readFile(folder.statistics, 'utf8')) as Statistics };
    });
    const [serial, parallel] = await Promise.all(runs);
    expect(serial && pairsOf(serial.lines)).toEqual(parallel && pairsOf(parallel.lines));
    expect(serial?.statistics.total.pairs).toEqual(parallel?.statistics.total.pairs);
    expect(serial?.statistics.total.pairs['duplicate']).toBeGreaterThan(0);
  });

  it('gives the same set of pairs by a cassette: one worker recorded it, four play it', async () => {
    const seeds = ['the sum of two', 'the sum of two!', 'the area of a ring', 'cubes'];
    const serial = await begunRun(config, seeds);
    const file = join(serial.path, 'answers.jsonl');
    const tape = (mode: 'record' | 'replay', inner: Resource<Model>) => ({ resource: cassette(inner, { file, mode }), isRemote: false });
    await runHere({ folder: serial, model: tape('record', mathModel()), workers: 1 });
    const parallel = await begunRun(config, seeds);
    const away: Resource<Model> = { name: 'away', open: () => Promise.reject(new Error('it is not to be opened')) };
    expect(await runHere({ folder: parallel, model: tape('replay', away), workers: 4, availableMb: 8_000 })).toMatchObject({ done: 4 });
    const pairs = pairsOf(await linesOf(serial));
    expect(pairs.length).toBeGreaterThan(2);
    expect(pairsOf(await linesOf(parallel))).toEqual(pairs);
  });

  it('goes on where the server says that it is too much, and says so at the end', async () => {
    const folder = await begunRun({ ...config, max_depth: 1 }, ['a b', 'c d', 'e f', 'g h']);
    const latencyMs = 50;
    const begun: number[] = [];
    let refusals = 0;
    const crowded = says((call) => {
      const beside = begun.filter((ms) => call.nowMs - ms < latencyMs).length;
      if (beside >= 3)
        refusals += 1; // three at a time are all it takes
      else begun.push(call.nowMs);
      return beside >= 3 ? { fault: { kind: 'overload', status: 429, retryAfterMs: 100 } } : { text: mathAgent(call), latencyMs };
    });
    const summary = await runHere({ folder, model: { ...crowded, isRemote: true }, workers: 4, availableMb: 8_000 });
    expect(summary).toMatchObject({ done: 4, failed: 0, overloads: refusals });
    expect(refusals).toBeGreaterThan(0);
    expect(summary.account.advice.join()).toContain('too much: lower max_workers');
  });

  it('--ordered writes in the order of the seeds', async () => {
    const folder = await begunRun(config, ['a b', 'c d', 'e f', 'g h'], true);
    const ids = folder.manifest.seeds.map(({ sourceId }) => sourceId);
    const slow = says((call) => ({ text: mathAgent(call), latencyMs: call.text.includes('a b') ? 120 : 1 }));
    await runHere({ folder, model: slow, workers: 4, availableMb: 8_000 });
    const written = (await linesOf(folder)).map(({ source_id: id }) => ids.indexOf(id));
    expect(written).toEqual(written.toSorted((a, b) => a - b));
    expect(new Set(written).size).toBe(4);
  });
});

interface Statistics {
  readonly total: { readonly pairs: Readonly<Record<string, number>>; readonly causes: Readonly<Record<string, number>> };
}

describe('what goes wrong', () => {
  it('fails one seed and harms no other: an answer that never comes, a process that dies, a model that will not', async () => {
    const folder = await begunRun({ ...config, seed_timeout_ms: 60_000, attempts: 1 }, ['fine', 'refused', 'killed', 'also fine']);
    const processes: number[] = [];
    let killings = 0;
    const bad = says((call) => {
      if (call.text.includes('refused')) return { fault: { kind: 'status', status: 500 } };
      if (call.text.includes('killed')) {
        killings += 1;
        for (const pid of processes.splice(0)) killed(pid); // the one that asks, whoever does it, and what waits for the next seed
      }
      return mathAgent(call);
    });
    const outcomes = new Map<string, string>();
    const summary = await runSynthesis({
      ...{ folder, model: bad, workers: 1 },
      onStart: (pid) => void processes.push(pid),
      onSeed: (id, outcome) => outcomes.set(id, outcome.status === 'failed' ? outcome.error.message : outcome.status),
    });
    expect([summary.done, summary.failed, killings]).toEqual([2, 2, 2]);
    expect([...outcomes.values()]).toEqual(['done', expect.any(String), expect.stringContaining('was ended by SIGKILL'), 'done']);
  });

  it('goes on after an interruption: every seed once, and no call for what was done', async () => {
    const folder = await begunRun(config, ['a b', 'c d', 'e f', 'g h']);
    const stop = new AbortController();
    const first = await runHere({ folder, model: model({ latencyMs: 5 }), signal: stop.signal, onSeed: () => stop.abort() });
    expect([first.endedBy, first.open > 0]).toEqual(['interrupted', true]);
    await appendFile(folder.pairs, '{"pair_id":"q-half","quest'); // what a kill leaves
    const again = await RunFolder.find(folder.pairs.replace(/\/[^/]*$/, ''), 'unfinished');
    const ended: string[] = [];
    const second = await runHere({ folder: again, model: model(), onSeed: (id) => ended.push(id) });
    expect([second.endedBy, second.done, ended.length]).toEqual(['complete', 4, first.open]);
    const whole = await begunRun(config, ['a b', 'c d', 'e f', 'g h']);
    await runHere({ folder: whole, model: model() });
    expect(pairsOf(await linesOf(folder))).toEqual(pairsOf(await linesOf(whole)));
  });

  it('writes lines that strict readers of JSON take, whatever is in a seed', async () => {
    const folder = await begunRun({ ...config, max_depth: 1 }, ['half of one \ud83d', 'lines \u2028 of a kind']);
    expect(await runHere({ folder, model: model() })).toMatchObject({ done: 2 });
    const text = await readFile(folder.pairs, 'utf8');
    expect([text.includes('half of one \ufffd'), /\\ud8|\u2028/.test(text)]).toEqual([true, false]);
  });

  it('works again on what failed, and on nothing else', async () => {
    const folder = await begunRun({ ...config, attempts: 1 }, ['fine', 'refused']);
    const bad = says((call) => (call.text.includes('refused') ? { fault: { kind: 'status', status: 500 } } : mathAgent(call)));
    expect(await runHere({ folder, model: bad })).toMatchObject({ done: 1, failed: 1, endedBy: 'complete' });
    const ended: string[] = [];
    const mended = await runHere({ folder, model: model(), which: 'failed', onSeed: (id) => ended.push(id) });
    expect([mended.done, mended.failed, ended.length]).toEqual([2, 0, 1]);
    expect(new Set((await linesOf(folder)).map(({ source_id: id }) => id)).size).toBe(2);
  });

  it.each([false, true])('sends the pairs of what is worked on again to the topic, too; in order: %s', async (isOrdered) => {
    const folder = await begunRun({ ...config, attempts: 1 }, ['refused', 'fine'], isOrdered);
    const bad = says((call) => (call.text.includes('refused') ? { fault: { kind: 'status', status: 500 } } : mathAgent(call)));
    const transport = memory();
    const sent: string[] = [];
    const client = connect(transport);
    await transport.createTopics([{ name: 'pairs' }]);
    const told: string[] = [];
    const both = { folder, transport, pairsTopic: 'pairs', onPair: ({ pair_id: id }: { readonly pair_id: string }) => told.push(id) };
    await runHere({ ...both, model: bad });
    await runHere({ ...both, model: model(), which: 'failed' });
    const reading = client.consume(topic('pairs', json(z.object({ pair_id: z.string() }))), { from: 'earliest' });
    const subscription = reading.subscribe({
      next: ({ value }) => sent.push(value.pair_id),
      error: (error: unknown) => sent.push(String(error)),
    });
    const ids = (await linesOf(folder)).map(({ pair_id: id }) => id).sort();
    await vi.waitFor(() => expect([...sent].sort()).toEqual(ids));
    expect([...told].sort()).toEqual(ids);
    subscription.unsubscribe();
    await client.close();
    await transport.close();
  });

  it('ends when its budget is spent, never above it, and goes on with a new one', async () => {
    const small = { ...config, max_answer_tokens: 60 };
    const seeds = ['a b', 'c d', 'e f'];
    const whole = await runHere({ folder: await begunRun(small, seeds), model: model() });
    const tokenBudget = Math.ceil((whole.inputTokens + whole.outputTokens) / 2);
    const folder = await begunRun(small, seeds);
    const once = () => runHere({ folder, model: model(), tokenBudget });
    const runs = [await once()];
    const kept = (runs[0]?.inputTokens ?? 0) + (runs[0]?.outputTokens ?? 0);
    expect([runs[0]?.endedBy, runs[0]?.done, kept > 0 && kept <= tokenBudget]).toEqual(['budget', 1, true]);
    while (runs.at(-1)?.endedBy === 'budget' && runs.length < 8) runs.push(await runHere({ folder, model: model(), tokenBudget: 14_000 }));
    expect(runs.at(-1)).toMatchObject({ endedBy: 'complete', done: 3 });
  });

  it('two runs of one second have names of their own; one run has one process at a time', async () => {
    const one = await begunRun(config, ['a']);
    const out = one.pairs.replace(/\/[^/]*$/, '');
    const others = await Promise.all([begunIn(out, config, ['a']), begunIn(out, config, ['a'])]);
    expect(new Set([one, ...others].map(({ name }) => name)).size).toBe(3);
    const running = runHere({ folder: one, model: model({ latencyMs: 50 }) });
    await expect
      .poll(() =>
        readFile(one.pairs).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await expect(runHere({ folder: one, model: model() })).rejects.toMatchObject({ code: 'journal_in_use' });
    await running;
  });

  it('a run that is no run is refused', async () => {
    const folder = await begunRun(config, ['a']);
    await writeFile(`${folder.path}/run.json`, '{"version":2}');
    await expect(RunFolder.find(folder.path, 'last')).rejects.toThrow('is no run of synthesis');
  });
});

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
