import { describe, expect, it } from 'vitest';
import { memoryRegistry } from '../../src/codec/memory-registry.ts';
import type { CompatibilityLevel } from '../../src/codec/schema-registry.ts';
import { failureOf } from '../helpers/failure-of.ts';

const record = (...fields: readonly string[]): { schema: string } => ({
  schema: `{"type":"record","name":"R","fields":[${fields.join(',')}]}`,
});
const a = '{"name":"a","type":"int"}';
const b = '{"name":"b","type":"int"}';
const bDefault = '{"name":"b","type":"int","default":0}';

describe('the registry in memory', () => {
  it('gives the same id to the same schema, however its keys are ordered, in all subjects', async () => {
    const registry = memoryRegistry();
    const one = await registry.register('s', record(a));
    expect(await registry.register('t', { schema: '{ "name":"R", "fields":[{"type":"int","name":"a"}], "type":"record" }' })).toMatchObject(
      { id: one.id },
    );
    expect((await registry.register('s', record(a, bDefault))).id).toBe(one.id + 1);
    expect(await registry.bySubject('s', 'latest')).toMatchObject({ id: one.id + 1, version: 2 });
    expect(await registry.bySubject('s', 1)).toMatchObject({ id: one.id });
    expect(await registry.register('s', record(a))).toMatchObject({ id: one.id, version: 1 }); // no new version
  });

  it.each<[CompatibilityLevel, readonly (readonly string[])[], readonly string[], RegExp | undefined]>([
    ['BACKWARD', [[a]], [a, bDefault], undefined],
    ['BACKWARD', [[a]], [a, b], /version 1: what it wrote cannot be read: field b is not written/],
    ['BACKWARD', [[a, b]], [a], undefined],
    ['BACKWARD', [[b], []], [a], /version 2/],
    ['BACKWARD', [[b], [bDefault]], [bDefault, a], /field a/],
    ['FORWARD', [[a, b]], [a], /it cannot read what is written now: field b/],
    ['FORWARD', [[a]], [a, b], undefined],
    ['FULL', [[a]], [a, bDefault], undefined],
    ['FULL', [[a]], [a, b], /field b/],
    ['FULL', [[a, b]], [a], /field b/],
    ['NONE', [[a]], [b], undefined],
  ])('%s: from %j to %j', async (level, before, after, why) => {
    const registry = memoryRegistry();
    registry.setCompatibility('s', 'NONE');
    for (const fields of before) await registry.register('s', record(...fields));
    registry.setCompatibility('s', level);
    const { isCompatible, messages } = await registry.check('s', record(...after));
    expect(isCompatible).toBe(why === undefined);
    if (why) expect(messages.join()).toMatch(why);
    if (why) expect((await failureOf(registry.register('s', record(...after)))).code).toBe('schema_incompatible');
  });

  it('looks back to the first version where the level is transitive, and else to the last', async () => {
    const asText = '{"name":"a","type":["int","string"]}';
    for (const [level, isCompatible] of [
      ['BACKWARD', true],
      ['BACKWARD_TRANSITIVE', false],
    ] as const) {
      const registry = memoryRegistry({ compatibility: 'NONE' });
      await registry.register('s', record(asText));
      await registry.register('s', record(a));
      registry.setCompatibility('s', level);
      // a union's branches must all be readable, though none has occurred
      expect(await registry.check('s', record('{"name":"a","type":"long"}'))).toMatchObject({ isCompatible });
    }
  });

  it('asks that all symbols of an enum be known, or that there be a default', async () => {
    const registry = memoryRegistry();
    const symbols = (list: string, rest = ''): { schema: string } => ({ schema: `{"type":"enum","name":"E","symbols":[${list}]${rest}}` });
    await registry.register('s', symbols('"X","Y"'));
    expect((await registry.check('s', symbols('"X"'))).messages.join()).toContain('symbol Y of E is not known');
    expect(await registry.check('s', symbols('"X"', ',"default":"X"'))).toMatchObject({ isCompatible: true });
  });

  it('knows of JSON Schemas whether they are the same', async () => {
    const registry = memoryRegistry();
    const json = (schema: string) => ({ schema, schemaType: 'JSON' as const });
    await registry.register('s', json('{"type":"object","title":"T"}'));
    expect(await registry.check('s', json('{"title":"T","type":"object"}'))).toMatchObject({ isCompatible: true });
    expect((await registry.check('s', json('{}'))).messages).toEqual([
      expect.stringContaining('any change of a JSON Schema is incompatible here'),
    ]);
    expect((await registry.check('s', { schema: '"int"' })).messages.join()).toContain('it is of type JSON, not AVRO');
  });

  it.each([
    ['no JSON', '{'],
    ['no schema', '{"type":"nothing"}'],
  ])('refuses %s', async (_, schema) => {
    const error = await failureOf(memoryRegistry().register('s', { schema }));
    expect([error.code, error.status]).toEqual(['registry_failed', 422]);
  });

  it('resolves references, which must be there and may lead nowhere but on', async () => {
    const registry = memoryRegistry();
    const references = [{ name: 'R', subject: 'r', version: 1 }];
    expect((await failureOf(registry.register('s', { schema: '{"type":"array","items":"R"}', references }))).message).toContain(
      'none: subject r',
    );
    await registry.register('r', record(a));
    await registry.register('s', { schema: '{"type":"array","items":"R"}', references });
    await registry.register('t', { schema: '{"type":"map","values":"R"}', references });
    expect(await registry.bySubject('s', 1)).toMatchObject({ references });
  });

  it('judges those that come at the same time by one another', async () => {
    const registry = memoryRegistry();
    await registry.register('s', record(a));
    const [one, other] = await Promise.allSettled([
      registry.register('s', record(a, '{"name":"c","type":"int","default":1}')),
      registry.register('s', record(a, '{"name":"c","type":"string","default":""}')),
    ]);
    expect([one.status, other.status]).toEqual(['fulfilled', 'rejected']);
  });

  it('can be away', async () => {
    const registry = memoryRegistry();
    registry.setAvailable(false);
    expect((await failureOf(registry.compatibility('s'))).code).toBe('registry_unavailable');
    registry.setAvailable(true);
    expect(await registry.compatibility('s')).toBe('BACKWARD');
  });
});
