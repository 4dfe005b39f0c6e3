// node-llama-cpp as somebody who knows it would use it: raw sequences, each keeping what its next prompt has in common with the last.
import { getLlama } from 'node-llama-cpp';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { askedAtOnce } from './asked-at-once.ts';
import { answerTokens, contextTokens, rendered, type Task } from './work.ts';

const { modelPath, atOnce, threads } = givenToWorker() as Task;
const llama = await getLlama({ build: 'never', skipDownload: true, maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: contextTokens, sequences: atOnce, threads, flashAttention: true });
const sequences = Array.from({ length: atOnce }, () => context.getSequence());

async function answer(question: string, lane: number) {
  const startedMs = performance.now();
  const sequence = sequences[lane];
  if (!sequence) throw new RangeError(`expected a sequence for lane ${String(lane)}`);
  const prompt = model.tokenize(rendered(question), true);
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
  let firstTokenMs: number | undefined;
  let outputTokens = 0;
  let text = '';
  for await (const token of sequence.evaluate(prompt.slice(sequence.nextTokenIndex), { temperature: 0 })) {
    text += model.detokenize([token]);
    outputTokens += 1;
    if (text !== '') firstTokenMs ??= performance.now() - startedMs;
    if (outputTokens === answerTokens) break;
  }
  return { inputTokens: prompt.length, outputTokens, firstTokenMs: firstTokenMs ?? Number.NaN };
}

process.on('message', (message: string) => {
  void askedAtOnce(JSON.parse(message) as readonly string[], atOnce, answer).then((round) => {
    reportFrom('round', round);
  });
});
process.on('disconnect', () => process.exit(0));
reportFrom('ready');
