import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configFrom, configJsonSchema, readConfig, readJson } from '../../../pipelines/synthesis/config.ts';
import { parseCommand } from '../../../pipelines/synthesis/parse-command.ts';
import { seedsFrom } from '../../../pipelines/synthesis/seed.ts';
import { seedEnvironment } from '../../../pipelines/synthesis/seed-environment.ts';
import { suggestWorkers, workersIn } from '../../../pipelines/synthesis/tune.state.ts';
import { workersFor } from '../../../pipelines/synthesis/workers-for.ts';

const folder = join(import.meta.dirname, '../../../pipelines/synthesis');
const shipped = (name: string): string => join(folder, 'configs', name);

describe('a configuration', () => {
  it('has the JSON Schema that is published', async () => {
    expect(JSON.parse(await readFile(join(folder, 'config.schema.json'), 'utf8'))).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
  });

  it.each([
    ['web', ['web_search', 'web_visit'], 10, 2, 1, 3],
    ['web_parallel', ['web_search', 'web_visit'], 10, 2, 4, 3],
    ['math', ['calculator'], 4, 2, 1, 5],
    ['python', ['python_interpreter'], 4, 2, 2, 5],
  ])('%s is shipped', async (name, available_tools, max_depth, branching_factor, max_workers, web_search_top_k) => {
    const { config, warnings } = await readConfig(shipped(`${name}.json`));
    expect([config, warnings]).toEqual([
      expect.objectContaining({ available_tools, max_depth, branching_factor, max_workers, environment_kwargs: { web_search_top_k } }),
      [],
    ]);
  });

  it('says whole paths, for who goes on with its run in another folder, and refuses a library that is not there', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-config-'));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const path = join(dir, 'mine.json');
    const write = (corpus: string) =>
      writeFile(path, JSON.stringify({ environment_mode: 'web', tool_modules: ['a.ts'], environment_kwargs: { corpus } }));
    await write('.');
    expect((await readConfig(path)).config).toMatchObject({ environment_kwargs: { corpus: dir }, tool_modules: [join(dir, 'a.ts')] });
    await write('none');
    await expect(readConfig(path)).rejects.toThrow(/mine.json: cannot read environment_kwargs.corpus: .*none/);
  });

  it('ships no other, and seeds that are some', async () => {
    expect((await readdir(shipped(''))).sort()).toEqual(
      ['web', 'web_parallel', 'math', 'python']
        .map((name) => `${name}.json`)
        .concat('example_seed_entities.json')
        .sort(),
    );
    const { seeds, repeated } = seedsFrom('seeds', await readJson(shipped('example_seed_entities.json'), 'seeds'));
    expect([seeds.length, repeated, seeds.at(-1)?.sourceId]).toEqual([10, 0, 'moon-landing']);
  });

  it('warns of what nothing reads, with what was meant, and of many workers; refuses neither', () => {
    const { config, warnings } = configFrom('x.json', { environment_mode: 'math', max_dept: 3, max_workers: 9, _note: 1 });
    expect([config.max_depth, config.max_workers]).toEqual([4, 9]);
    expect(warnings).toEqual([
      expect.stringContaining('max_dept, which nothing reads; did you mean max_depth?'),
      expect.stringContaining('more than 8'),
    ]);
  });

  it('warns of what nothing reads within, too', () => {
    const search = { url: 'https://a.example/{query}', results: 'r', key_evn: 'KEY', fields: { titel: 't' } };
    const servers = [{ name: 'a', command: 'x', arg: [] }];
    const { warnings } = configFrom('x.json', { environment_mode: 'web', environment_kwargs: { top_k: 3, search }, mcp_servers: servers });
    expect(warnings.map((one) => one.replace(/^x.json has /, ''))).toEqual([
      'environment_kwargs.top_k, which nothing reads',
      'environment_kwargs.search.key_evn, which nothing reads; did you mean environment_kwargs.search.key_env?',
      'environment_kwargs.search.fields.titel, which nothing reads; did you mean environment_kwargs.search.fields.title?',
      'mcp_servers.0.arg, which nothing reads; did you mean mcp_servers.0.args?',
    ]);
  });

  it.each([
    [{}, 'environment_mode'],
    [{ environment_mode: 'sql' }, 'environment_mode'],
    [{ environment_mode: 'web', max_depth: 0 }, /max_depth: .*, got 0$/],
    [{ environment_mode: 'web', max_workers: 10_000 }, /max_workers: .*<=256, got 10000$/],
    [{ environment_mode: 'web', available_tools: ['hammer'] }, 'available_tools.0'],
    [{ environment_mode: 'web', available_tools: ['web_visit', 'web_visit'] }, 'twice'],
    [[], 'the whole'],
  ])('refuses %j', (given, says) => {
    expect(() => configFrom('x.json', given)).toThrow(says);
  });

  it('shows processes the variables that it names alone', () => {
    const { config } = configFrom('x', {
      environment_mode: 'web',
      environment_kwargs: { search: { url: 'https://a.example/{query}', results: 'r', key_env: 'KEY' } },
    });
    expect(seedEnvironment(config, { PATH: '/bin', KEY: 'k', SECRET: 's' })).toEqual({ PATH: '/bin', KEY: 'k' });
    expect(() => seedEnvironment(config, { PATH: '/bin' })).toThrow('KEY, which is not set');
  });
});

describe('seeds', () => {
  it('have an id of their own, or a digest', () => {
    const { seeds, repeated } = seedsFrom('s', ['a', { id: 7, name: 'b' }, 'a', { name: 'c' }]);
    expect([seeds.map(({ sourceId }) => sourceId), repeated]).toEqual([
      [expect.stringMatching(/^[0-9a-f]{16}$/), '7', expect.stringMatching(/^[0-9a-f]{16}$/)],
      1,
    ]);
  });

  it.each([
    [{}, 'must be a JSON array'],
    [['a', ''], 's[1]'],
    [[3], 's[0]'],
    [[{ id: 'x' }], 's[0]'],
    [
      [
        { id: 'x', a: 1 },
        { id: 'x', a: 2 },
      ],
      'which a different seed has, too',
    ],
    [['x'.repeat(20_001)], 'at most 20000 characters'],
    [null, 'got null'],
    [[{ id: 'x'.repeat(257), name: 'a' }], 's[0] must have an id of at most 256 characters'],
    [[{ id: '\ud800', name: 'a' }], 's[0] must have an id of at most 256 characters of Unicode'],
    [[['x'.repeat(1_000)]], /s\[0\] must be a text or an object with something in it, got \["x{98}…$/],
  ])('%j are refused', (given, says) => {
    expect(() => seedsFrom('s', given)).toThrow(says);
  });
});

describe('the command line', () => {
  it.each([
    [['math', 's.json'], {}, { kind: 'begin', config: shipped('math.json'), seeds: 's.json', out: 'synthesis_results' }],
    [['web', 's.json', 'o'], {}, { kind: 'begin', config: shipped('web.json'), seeds: 's.json', out: 'o' }],
    [['custom', 'c.json', 's.json'], { outputDir: 'o' }, { kind: 'begin', config: 'c.json', seeds: 's.json', out: 'o' }],
    [[], { config: 'c', seeds: 's' }, { kind: 'begin', config: 'c', seeds: 's', out: 'synthesis_results' }],
    [[], { resume: 'd' }, { kind: 'go-on', out: 'd', which: 'open' }],
    [[], { retryFailed: 'd' }, { kind: 'go-on', out: 'd', which: 'failed' }],
  ])('%j %j', (args, given, asked) => {
    expect(parseCommand(args, given)).toEqual(asked);
  });

  it.each([
    [[], {}, 'nothing says what to do'],
    [[], { config: 'c' }, '--seeds must name'],
    [['sql', 's'], {}, 'there is no mode "sql"'],
    [['math'], {}, 'synthesize math needs SEEDS'],
    [['custom'], {}, 'needs CONFIG and SEEDS'],
    [['math', 's', 'o', 'p'], {}, 'more than one folder'],
    [['math', 's'], { config: 'c' }, 'for the long form'],
    [['math'], { resume: 'd' }, 'stand alone'],
    [[], { resume: 'd', retryFailed: 'd' }, 'stand alone'],
  ])('refuses %j %j', (args, given, says) => {
    expect(() => parseCommand(args, given)).toThrow(says);
  });
});

describe('workers', () => {
  it('are as many as there is memory and work for', () => {
    const few = workersFor({ asked: 8, memoryMb: 256, availableMb: 1_100, seeds: 100 });
    expect(few.count).toBe(3);
    expect(few.why).toContain('3 of 8 workers fit into 1100 MiB');
    expect(workersFor({ asked: 8, memoryMb: 256, availableMb: 100, seeds: 9 }).count).toBe(1);
    expect(workersFor({ asked: 8, memoryMb: 256, availableMb: 1_100, seeds: 2 })).toEqual({ count: 2, ahead: 1 });
  });

  it('are suggested: the fewest that do nearly as well, of those that nobody told it was too much', () => {
    const tried = (workers: number, seedsPerMinute: number, overloads = 0) => ({ workers, seedsPerMinute, overloads, memoryMb: 1 });
    expect(suggestWorkers([tried(1, 10), tried(2, 19), tried(4, 38), tried(8, 40)])).toBe(4);
    expect(suggestWorkers([tried(1, 10), tried(2, 19), tried(4, 60, 3)])).toBe(2);
    expect(suggestWorkers([tried(1, 10), tried(2, 10.5)])).toBe(1);
    expect([workersIn('1,2, 4'), workersIn('1,x'), workersIn('2,2'), workersIn('0')]).toEqual([[1, 2, 4], undefined, undefined, undefined]);
  });
});
