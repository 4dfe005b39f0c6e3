import { definePipeline, json, llama, topic } from 'millrace';
import { callTimeout, mapConcurrent, retryWithBackoff } from 'millrace/operators';
import { map } from 'rxjs';
import { z } from 'zod';

const Ticket = z.object({ id: z.string(), text: z.string() });
const Judged = Ticket.extend({ mood: z.string(), confidence: z.number() });
const begun = { role: 'assistant', content: 'The sentiment of this text is' } as const; // a small model goes on better than it obeys

export default definePipeline({
  name: 'first',
  input: topic('tickets', json(Ticket)),
  output: topic('tickets.judged', json(Judged)),
  deadLetter: topic('tickets.dead'),
  resources: { model: llama({ model: 'smollm2' }) },
  process: (tickets, { model }) =>
    tickets.pipe(
      mapConcurrent(
        (ticket, ctx) =>
          model.classify([{ role: 'user', content: ticket.text }, begun], { labels: [' positive', ' negative'] }, ctx).pipe(
            callTimeout({ ms: 30_000 }),
            retryWithBackoff({ attempts: 4 }),
            map(({ label, confidence }) => ({ ...ticket, mood: label.trim(), confidence })),
          ),
        { concurrency: 4 },
      ),
    ),
});
