import { concatMap, from, map } from 'rxjs';
import { asking, each, last, pieces, without, type PlantedFault } from './planted-fault.ts';

export const textFaults: readonly PlantedFault[] = [
  { rule: 23, fault: 'calls a cut answer whole', changes: last(() => ({ finishReason: 'stop' })) },
  { rule: 23, fault: 'does not heed maxTokens', changes: asking((turns, options) => [turns, { ...options, maxTokens: 500 }]) },
  { rule: 24, fault: 'does not heed stop strings', changes: without('stop') },
  {
    rule: 24,
    fault: 'heeds the first stop string alone',
    changes: asking((turns, options) => [turns, { ...options, stop: options.stop?.slice(0, 1) ?? [] }]),
  },
  {
    rule: 25,
    fault: 'takes stop tokens for text',
    changes: asking((turns, { stopTokens = [], ...options }) => [turns, { ...options, stop: [...stopTokens] }]),
  },
  {
    rule: 26,
    fault: 'splits pairs',
    changes: pieces((chunks) =>
      chunks.pipe(
        concatMap((chunk) => from([...chunk.text.split('').map((text) => ({ text, index: 0 })), ...(chunk.usage ? [chunk] : [])])),
        map((chunk, index) => ({ ...chunk, index })),
      ),
    ),
  },
  { rule: 26, fault: 'decodes byte by byte', changes: each((chunk) => ({ ...chunk, text: Buffer.from(chunk.text).toString('latin1') })) },
  { rule: 26, fault: 'normalises', changes: each((chunk) => ({ ...chunk, text: chunk.text.normalize('NFKC') })) },
  {
    rule: 27,
    fault: 'takes special tokens out',
    changes: asking((turns, options) => [turns.map((turn) => ({ ...turn, content: turn.content.replaceAll(/<\|\w+\|>/g, '') })), options]),
  },
  {
    rule: 27,
    fault: 'counts special tokens as such',
    changes: {
      backend: ({ countTokens }) => ({
        countTokens: (turns) => countTokens(turns.map((turn) => ({ ...turn, content: turn.content.replaceAll(/<\|\w+\|>/g, '') }))),
      }),
    },
  },
  { rule: 28, fault: 'does not heed the seed', changes: without('seed') },
  { rule: 28, fault: 'draws nothing', changes: without('temperature') },
  { rule: 29, fault: 'does not heed topK', changes: without('topK') },
  { rule: 29, fault: 'does not heed minP', changes: without('minP') },
  { rule: 29, fault: 'does not heed topP', changes: without('topP') },
  { rule: 30, fault: 'leaves log-probabilities out', changes: without('logProbabilities') },
  {
    rule: 30,
    fault: 'tells probabilities',
    changes: each((chunk) => (chunk.tokens ? { ...chunk, tokens: chunk.tokens.map((one) => ({ ...one, logProbability: 0.5 })) } : chunk)),
  },
  {
    rule: 30,
    fault: 'puts the worst alternative first',
    changes: each((chunk) =>
      chunk.tokens ? { ...chunk, tokens: chunk.tokens.map((one) => ({ ...one, top: one.top.toReversed() })) } : chunk,
    ),
  },
  {
    rule: 30,
    fault: 'tells more alternatives than were asked for',
    changes: asking((turns, options) => [
      turns,
      { ...options, ...(options.logProbabilities === undefined ? {} : { logProbabilities: 5 }) },
    ]),
  },
  { rule: 31, fault: 'always tells log-probabilities', changes: asking((turns, options) => [turns, { ...options, logProbabilities: 1 }]) },
];
