import { describe, expect, it } from 'vitest';
import { batchInput, type BatchLine } from '../../../src/inference/openai/batch-input.ts';
import { failureOf } from '../../helpers/failure-of.ts';

const lines = (count: number, text = ''): BatchLine[] => Array.from({ length: count }, (_, n) => ({ id: String(n), body: { text } }));

describe('the requests of a batch', () => {
  it('are lines of a file, byte by byte what was given, ü and all', async () => {
    const input = await batchInput([{ id: 'a', body: { text: 'grün\n' } }], '/v1/x');
    const file = await input.file();
    expect(await file.text()).toBe('{"custom_id":"a","method":"POST","url":"/v1/x","body":{"text":"grün\\n"}}\n');
    expect(file.name).toBe(`millrace-${input.digest.slice(0, 16)}.jsonl`);
    await input.remove();
    await expect(file.text()).rejects.toThrow();
  });

  it('have one digest by what they are and in which order', async () => {
    const digest = async (given: readonly BatchLine[], endpoint = '/v1/x'): Promise<string> => {
      const input = await batchInput(given, endpoint);
      await input.remove();
      return input.digest;
    };
    const [one, two] = [lines(2_000, 'x'.repeat(50)), lines(2_000, 'x'.repeat(50))];
    expect(await digest(one)).toBe(await digest(two));
    const others = [await digest(one.toReversed()), await digest(one.slice(1)), await digest(one, '/v1/y'), await digest(lines(2_000))];
    expect(new Set([await digest(one), ...others]).size).toBe(5);
  });

  it('may be 50,000, and not one more', async () => {
    const input = await batchInput(lines(50_000), '/v1/x');
    expect(input.ids.size).toBe(50_000);
    await input.remove();
    expect((await failureOf(batchInput(lines(50_001), '/v1/x'))).message).toMatch(/50000/);
  });

  it('may be 200 MB, and not more', async () => {
    expect((await failureOf(batchInput(lines(21, 'x'.repeat(10_000_000)), '/v1/x'))).message).toMatch(/200000000 bytes/);
  });

  it('that cannot be made leave nothing behind', async () => {
    function* failing(): Generator<BatchLine> {
      yield { id: 'a', body: 1 };
      throw new Error('mine');
    }
    await expect(batchInput(failing(), '/v1/x')).rejects.toThrow('mine');
  });
});
