import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaSettings } from '../../src/cli/kafka-settings.ts';
import { runSettingsTable } from '../../src/cli/run-settings.ts';
import { resolveSettings } from '../../src/cli/settings.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'millrace-settings-'));
  writeFileSync(
    join(cwd, 'millrace.config.json'),
    JSON.stringify({ brokers: ['file:1'], logLevel: 'error', clientId: 'from-file', saslPasswordFile: 'secret.txt' }),
  );
  writeFileSync(join(cwd, 'secret.txt'), 'hunter2\n');
  writeFileSync(join(cwd, 'run.json'), JSON.stringify({ maxRecordsInFlight: 9, unreadableMetadata: 'ignore' }));
  writeFileSync(join(cwd, 'bad-run.json'), JSON.stringify({ commitIntervalMs: 1.5 }));
  writeFileSync(join(cwd, 'memory.json'), JSON.stringify({ transport: 'memory' }));
  writeFileSync(join(cwd, 'typo.json'), JSON.stringify({ borkers: ['a:1'] }));
  writeFileSync(join(cwd, 'secret.json'), JSON.stringify({ saslPassword: 'hunter2' }));
  writeFileSync(join(cwd, 'broken.json'), '{"saslPasswordFile": hunter2');
  writeFileSync(join(cwd, 'wrong.json'), JSON.stringify({ transport: 'rabbit' }));
});
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

const none = { config: '/dev/null/none' };
const empty = { flags: {}, env: {} };

describe('flags before environment before file before defaults', () => {
  it.each([
    ['file', {}, {}, { brokers: ['file:1'], logLevel: 'error', transport: 'kafka' }],
    ['environment over file', {}, { MILLRACE_BROKERS: 'env:1, env:2' }, { brokers: ['env:1', 'env:2'], logLevel: 'error' }],
    ['flag over both', { brokers: 'flag:1' }, { MILLRACE_BROKERS: 'env:1' }, { brokers: ['flag:1'], logLevel: 'error' }],
    ['each setting by itself', { logLevel: 'debug' }, { MILLRACE_BROKERS: 'env:1' }, { brokers: ['env:1'], logLevel: 'debug' }],
    ['an empty variable is none', {}, { MILLRACE_BROKERS: '' }, { brokers: ['file:1'] }],
    ['a flag that is false', {}, { MILLRACE_JSON: 'false' }, { json: false }],
    ['a flag that is true', {}, { MILLRACE_JSON: '1' }, { json: true }],
    ['a file that is named', { config: 'memory.json' }, {}, { transport: 'memory', brokers: ['localhost:9092'], logLevel: 'warn' }],
    ['a file that the environment names', {}, { MILLRACE_CONFIG: 'memory.json' }, { transport: 'memory' }],
    ['brokers mean kafka, over a lower layer', { config: 'memory.json', brokers: 'flag:1' }, {}, { transport: 'kafka' }],
    ['a transport over lower brokers', { transport: 'memory' }, { MILLRACE_BROKERS: 'env:1' }, { transport: 'memory' }],
  ])('%s', (_, flags, env, expected) => {
    expect(resolveSettings({ flags, env, cwd })).toMatchObject(expected);
  });

  it('has defaults where nothing is given', () => {
    const settings = resolveSettings({ ...empty, cwd: tmpdir() });
    expect(settings).toMatchObject({
      transport: 'memory',
      brokers: ['localhost:9092'],
      brokersGiven: false,
      json: false,
      logLevel: 'warn',
      kafka: {},
    });
  });
});

describe('what is wrong is said with its place and what was meant', () => {
  it.each([
    [{ config: 'typo.json' }, {}, /typo\.json holds the unknown setting "borkers"; did you mean brokers\?/],
    [{ config: 'secret.json' }, {}, /saslPassword, but configuration files are committed: use saslPasswordFile, or MILLRACE_SASL_PASSWORD/],
    [{ config: 'broken.json' }, {}, /broken\.json is not JSON/],
    [{ config: 'wrong.json' }, {}, /transport in .*wrong\.json must be one of memory, kafka, got "rabbit"/],
    [{ config: 'nowhere.json' }, {}, /cannot read the configuration file .*nowhere\.json: there is none/],
    [none, {}, /cannot read the configuration file/],
    [{}, { MILLRACE_TRANSPORT: 'kfka' }, /MILLRACE_TRANSPORT must be one of memory, kafka, got "kfka"/],
    [{}, { MILLRACE_TLS: 'maybe' }, /MILLRACE_TLS must be true or false, got "maybe"/],
    [{ brokers: 'localhost' }, {}, /--brokers must be host:port, several with commas between, got "localhost"/],
    [{ brokers: 'a:1,me:hunter2@h:9092' }, {}, /--brokers must be host:port, .* without user or password: they are saslUsername/],
    [{ brokers: 'me:hunt,hunter2@h:9092' }, {}, /without user or password/],
    [{}, { MILLRACE_BROKERS: 'me:hunter2@h' }, /MILLRACE_BROKERS must be host:port, .* without user or password/],
    [{}, { MILLRACE_TRANSPORT: 'kafka://me:hunter2@h' }, /MILLRACE_TRANSPORT must be one of memory, kafka, got "kafka:\/\/…@h"/],
    [{}, { MILLRACE_TLS: 'me:hunter2@h' }, /MILLRACE_TLS must be true or false, got "…@h"/],
    [{ transport: 'memory', brokers: 'a:1' }, {}, /--brokers contradicts --transport memory/],
  ])('%j %j', (flags, env, message) => {
    const resolve = (): unknown => resolveSettings({ flags, env, cwd });
    expect(resolve).toThrow(message);
    expect(resolve).not.toThrow(/hunter2/);
  });

  it('remarks on a variable that looks like one of ours, and on no other', () => {
    const { remarks } = resolveSettings({
      flags: {},
      env: { MILLRACE_BROKER: 'a:1', MILLRACE_CACHE: '/x', MILLRACE_SOMETHING_ELSE: '1', BROKERS: 'b' },
      cwd,
    });
    expect(remarks).toEqual([expect.stringMatching(/MILLRACE_BROKER, .*did you mean MILLRACE_BROKERS\?/)]);
  });
});

describe('how a pipeline is run', () => {
  const options = runSettingsTable;
  const runOf = (flags: Record<string, unknown>, env: Record<string, string> = {}) => resolveSettings({ flags, env, cwd, options }).run;

  it.each([
    ['a flag', { config: 'run.json', maxRecordsInFlight: '7' }, { MILLRACE_MAX_RECORDS_IN_FLIGHT: '8' }, { maxRecordsInFlight: 7 }],
    ['the environment', { config: 'run.json' }, { MILLRACE_MAX_RECORDS_IN_FLIGHT: '8' }, { maxRecordsInFlight: 8 }],
    ['the file', { config: 'run.json' }, {}, { maxRecordsInFlight: 9, unreadableMetadata: 'ignore' }],
    ['nothing', {}, {}, {}],
  ])('is taken from %s', (_, flags, env, expected) => {
    expect(runOf(flags, env)).toEqual({ ...('config' in flags ? { unreadableMetadata: 'ignore' } : {}), ...expected });
  });

  it.each(Object.keys(runSettingsTable).filter((key) => key !== 'unreadableMetadata'))('%s is a number in all three', (key) => {
    writeFileSync(join(cwd, 'one.json'), JSON.stringify({ [key]: 2_000 }));
    const variable = `MILLRACE_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
    for (const found of [runOf({ [key]: '2000' }), runOf({}, { [variable]: '2000' }), runOf({ config: 'one.json' })])
      expect(found).toEqual({ [key]: 2_000 });
  });

  it.each([
    [{ maxRecordsInFlight: '0' }, {}, /^--max-records-in-flight must be an integer >= 1, got 0$/],
    [{ startPatienceMs: 'soon' }, {}, /^--start-patience-ms must be an integer >= 0, got "soon"$/],
    [{}, { MILLRACE_SESSION_TIMEOUT_MS: '5' }, /^MILLRACE_SESSION_TIMEOUT_MS must be an integer from 1000 to 300000, got 5$/],
    [{}, { MILLRACE_UNREADABLE_METADATA: 'keep' }, /^MILLRACE_UNREADABLE_METADATA must be one of fail, ignore, got "keep"$/],
    [{ config: 'bad-run.json' }, {}, /^commitIntervalMs in .*bad-run\.json must be an integer >= 1, got 1\.5$/],
  ])('%j %j is refused with its place', (flags, env, message) => {
    expect(() => runOf(flags, env)).toThrow(message);
  });

  it('is known to other commands, which may share the file, and means nothing there', () => {
    const { run, kafka } = resolveSettings({ flags: { config: 'run.json' }, env: { MILLRACE_SESSION_TIMEOUT_MS: '2000' }, cwd });
    expect([run, Object.keys(kafka)]).toEqual([{}, []]);
  });

  it('reaches Kafka, too', () => {
    const settings = resolveSettings({ flags: { sessionTimeoutMs: '2000', config: 'memory.json' }, env: {}, cwd, options });
    expect(kafkaSettings(settings)).toMatchObject({ sessionTimeoutMs: 2_000 });
  });
});

describe('what Kafka is given', () => {
  const kafkaOf = (flags: Record<string, unknown>, env: Record<string, string> = {}) => kafkaSettings(resolveSettings({ flags, env, cwd }));

  it('takes the password from a file beside the configuration, without its line end', () => {
    expect(kafkaOf({ saslMechanism: 'scram-sha-512', saslUsername: 'me' }).sasl).toEqual({
      mechanism: 'scram-sha-512',
      username: 'me',
      password: 'hunter2',
    });
  });

  it('takes it from the environment', () => {
    const { sasl } = kafkaOf({ config: 'memory.json', saslMechanism: 'plain', saslUsername: 'me' }, { MILLRACE_SASL_PASSWORD: 'hunter3' });
    expect(sasl).toMatchObject({ password: 'hunter3' });
  });

  it.each([
    [{ saslUsername: 'me' }, /need saslMechanism/],
    [{ saslMechanism: 'plain' }, /saslMechanism plain needs saslUsername/],
    [
      { config: 'memory.json', saslMechanism: 'plain', saslUsername: 'me' },
      /needs a password: --sasl-password-file, or MILLRACE_SASL_PASSWORD/,
    ],
    [
      { config: 'memory.json', saslMechanism: 'plain', saslUsername: 'me', saslPasswordFile: '/nowhere' },
      /saslPasswordFile cannot be read: ENOENT; it is the name of a file that holds the secret$/,
    ],
    [{ config: 'memory.json', tlsCert: 'secret.txt' }, /tlsCert and tlsKey need each other/],
  ])('%j', (flags, message) => {
    expect(() => kafkaOf(flags)).toThrow(message);
  });

  it('shows no secret when settings are printed', () => {
    const settings = resolveSettings({ flags: {}, env: { MILLRACE_SASL_PASSWORD: 'hunter3', MILLRACE_TLS_PASSPHRASE: 'hunter4' }, cwd });
    expect(`${inspect(settings, { depth: null })}${JSON.stringify(settings)}`).not.toMatch(/hunter/);
  });
});
