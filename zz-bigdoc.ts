import { runDocuments } from './pipelines/documents/index.ts';
import { scripted } from './src/inference/scripted/scripted.ts';
let n = 0;
const t0=Date.now();
setInterval(()=>{const m=process.memoryUsage();console.log(((Date.now()-t0)/1000).toFixed(0),'s calls',n,'rss',(m.rss/2**20).toFixed(0),'heap',(m.heapUsed/2**20).toFixed(0),'ext',(m.external/2**20).toFixed(0), 'ab',(m.arrayBuffers/2**20).toFixed(0));},5000).unref();
const model = scripted(() => { n += 1; return 'one, two'; }, { rememberPrompts: 10 });
const { documentsIn } = await import('./src/text/documents-in.ts'); const { parseTask } = await import('./pipelines/documents/tasks/parse-task.ts');
const r = await runDocuments({ input: documentsIn('/tmp/big/big.txt'), out: '/tmp/big/out', tasks: [await parseTask('keywords', { slots: 'fenced', vote: 'weighted' })], models: [{ name: 's', resource: model }], concurrency: 16 }).catch((e: unknown)=>e);
console.log(r, n);
