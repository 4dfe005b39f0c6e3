import { spawn } from 'node:child_process';
import { chunkEvent, doneEvent, type ReceivedRequest, type ServerReply, startOpenAiServer } from './openai-server.ts';

/*
 * A program that speaks OpenAI's API, with the faults of such programs: `server-program.ts PORT [FAULT]`. What a chat says in its last
 * turn is what happens: `crash` ends the process by a signal of its own, `cut` in the middle of an answer, `endless` never ends by
 * itself, `environment` tells the names in its environment, `again` breaks the connection off and lives; all else is answered with the process's id.
 */

const [port = '0', fault = 'none'] = process.argv.slice(2);

const said = ({ body }: ReceivedRequest): string => {
  const turns = body['messages'] as readonly { readonly content: string }[] | undefined;
  return turns?.at(-1)?.content ?? '';
};

async function* endless(): AsyncGenerator<string> {
  for (let n = 0; ; n += 1) {
    yield chunkEvent(`${String(n)} `);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function* cut(): AsyncGenerator<string> {
  yield chunkEvent('half of an');
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.kill(process.pid, 'SIGSEGV');
}

function reply(request: ReceivedRequest): ServerReply {
  if (request.path === '/health') return fault === 'no-health' ? { status: 404 } : { status: fault === 'loads' ? 503 : 200 };
  if (request.path === '/v1/models') return { status: 200, body: { data: [] } };
  switch (said(request)) {
    case 'crash':
      process.kill(process.pid, 'SIGSEGV');
      return 'hang';
    case 'cut':
      return { raw: cut() };
    case 'endless':
      return { raw: endless() };
    case 'again':
      return { raw: [chunkEvent('half of an')] };
    case 'environment':
      return { tokens: Object.keys(process.env).map((name) => `${name} `) };
    case 'port':
      return { tokens: [port] };
    default:
      return { raw: [chunkEvent(String(process.pid)), chunkEvent(undefined, { finish_reason: 'stop' }), doneEvent] };
  }
}

if (fault === 'dies') {
  process.stderr.write('the weights are not there\n', () => process.exit(3));
} else if (fault === 'deaf') {
  setInterval(() => undefined, 1_000);
} else {
  if (fault === 'floods') {
    const line = `${'x'.repeat(120)} password=open-sesame\n`.repeat(2_000);
    const flood = (): void => void process.stderr.write(line, () => setImmediate(flood));
    flood();
  }
  if (fault === 'stubborn') process.on('SIGTERM', () => process.stdout.write('I stay\n'));
  if (fault === 'family') {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    process.stdout.write(`child ${String(child.pid)}\n`);
  }
  if (fault === 'tells') process.stdout.write(`key ${process.env['SERVED_API_KEY'] ?? ''} of ${process.argv.join(' ')}\n`);
  await startOpenAiServer({ port: Number(port), reply });
}
