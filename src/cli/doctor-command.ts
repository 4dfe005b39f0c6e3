import { type Command, defineCommand } from '../command.ts';
import type { CliContext } from './context.ts';
import { checkBroker, checkBrokerStart, checkData, checkModel, checkNode, type Finding } from './doctor-checks.ts';

export const doctorCommand: Command = defineCommand({
  name: 'doctor',
  summary: 'say what is here, what is missing, and how to get it',
  details: `Looks at Node, the broker that the settings name, what could start one, the model, the GPU and the demo's data. The model is
loaded for a moment where it lies in the cache; nothing is downloaded. Ends with 1 when pipelines with the embedded model
cannot run here (on Kafka, where the settings say Kafka).`,
  options: {},
  examples: [
    { line: 'millrace doctor', does: 'everything on this machine' },
    { line: 'millrace doctor --brokers kafka.example:9093 --tls', does: 'and this cluster' },
    { line: 'millrace doctor --json | jq -c "select(.ok | not)"', does: 'only what is wrong' },
  ],
  run: async (_, given) => {
    const context = given as CliContext;
    const findings: Finding[] = [];
    for (const check of [checkNode, checkBroker, checkBrokerStart, checkModel, checkData]) {
      context.out.live(`looking at ${check.title}`);
      const found = await check.run(context);
      context.out.live(undefined);
      for (const finding of found) show(finding, context);
      findings.push(...found);
    }
    const failed = findings.some(({ ok, required }) => required && !ok);
    context.out.note(failed ? 'the main job cannot run here: see the lines marked "not ok"' : 'the main job can run here');
    return failed ? 1 : 0;
  },
});

function show({ name, ok, required, says, fix }: Finding, { out }: CliContext): void {
  const mark = ok ? 'ok' : required ? 'not ok' : 'missing';
  out.line(`${mark.padEnd(8)}${name.padEnd(16)}${says}`);
  if (!ok && fix !== undefined) out.line(`${' '.repeat(24)}fix: ${fix}`);
  out.json({ name, ok, required, says, ...(ok || fix === undefined ? {} : { fix }) });
}
