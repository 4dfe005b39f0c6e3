// One question to one model, which is loaded for it and goes with it.
import { getLlama } from 'node-llama-cpp';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { answerTokens, contextTokens, rendered, type Task } from '../models/work.ts';

const { modelPath, threads, question } = givenToWorker() as Task & { readonly question: string };
const llama = await getLlama({ build: 'never', skipDownload: true, maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: contextTokens, sequences: 1, threads, flashAttention: true });
let tokens = 0;
for await (const token of context.getSequence().evaluate(model.tokenize(rendered(question), true), { temperature: 0 })) {
  if (model.isEogToken(token)) break;
  tokens += 1;
  reportFrom('piece', { text: model.detokenize([token]) });
  if (tokens === answerTokens) break;
}
process.send?.({ kind: 'piece', tokens }, () => process.exit(0));
