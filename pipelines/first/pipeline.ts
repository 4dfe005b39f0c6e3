import { definePipeline, json, llama, topic } from 'millrace';
import { callTimeout, mapConcurrent, retryWithBackoff } from 'millrace/operators';
import { map } from 'rxjs';
import { z } from 'zod';

const Ticket = z.object({ id: z.string(), text: z.string() });
const Judged = Ticket.extend({ mood: z.enum(['positive', 'negative']), confidence: z.number() });

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
          model.classify(`Is the mood of this text positive or negative?\n${ticket.text}`, { labels: ['positive', 'negative'] }, ctx).pipe(
            callTimeout({ ms: 30_000 }),
            retryWithBackoff({ attempts: 4 }),
            map(({ label, confidence }) => ({ ...ticket, mood: label, confidence })),
          ),
        { concurrency: 4 },
      ),
    ),
});
