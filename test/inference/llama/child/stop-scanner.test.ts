import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StopScanner } from '../../../../src/inference/llama/child/stop-scanner.ts';

const scan = (stops: readonly string[], pieces: readonly string[]): { text: string; stopped: boolean } => {
  const scanner = new StopScanner(stops);
  let text = '';
  for (const piece of pieces) {
    const step = scanner.push(piece);
    text += step.text;
    if (step.stopped) return { text, stopped: true };
  }
  return { text: text + scanner.flush(), stopped: false };
};

it('cuts before the first stop string, however the text is split', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.array(word, { maxLength: 3 }), (pieces, stops) => {
      const whole = pieces.join('');
      // the first stop to be complete ends the answer; what begins earlier but is longer has not been seen by then
      const ends = stops.flatMap((stop) => (whole.includes(stop) ? [whole.indexOf(stop) + stop.length] : []));
      const result = scan(stops, pieces);
      expect(result.stopped).toBe(ends.length > 0);
      if (!result.stopped) expect(result.text).toBe(whole);
      else expect(stops.some((stop) => whole.startsWith(result.text + stop))).toBe(true);
      for (const stop of stops) if (result.stopped) expect(result.text).not.toContain(stop);
    }),
  );
});

it('holds back no more than what could become a stop string', () => {
  const scanner = new StopScanner(['###']);
  expect(scanner.push('ab#')).toEqual({ text: 'ab', stopped: false });
  expect(scanner.push('#c')).toEqual({ text: '##c', stopped: false });
  expect(scanner.push('##')).toEqual({ text: '', stopped: false });
  expect(scanner.flush()).toBe('##');
});
