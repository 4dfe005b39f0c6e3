import { type LogUser, usesLog } from '../policies/pipeline-log.ts';
import type { Opening } from './opening.ts';
import type { ResolvedStartOptions } from './options.ts';

/**
 * Lends the pipeline's log to those of its opened resources that keep something there, all at once, each of them once.
 * @throws OptionError or TransportError of one that cannot work with it
 */
export async function attachLogUsers(
  resources: Readonly<Record<string, unknown>>,
  { transport, clock, createTopics }: Pick<ResolvedStartOptions, 'transport' | 'clock' | 'createTopics'>,
  opening: Opening,
  trouble: (name: string, why: string | undefined) => void,
): Promise<void> {
  const users = new Map<LogUser, string>();
  for (const [name, value] of Object.entries(resources)) {
    if (typeof value !== 'object' || value === null || !(usesLog in value)) continue;
    const user = value[usesLog] as LogUser;
    if (!users.has(user)) users.set(user, name);
  }
  const attach = ([user, name]: readonly [LogUser, string]): Promise<unknown> => {
    const log = {
      transport,
      clock,
      createTopics,
      trouble: (why: string | undefined): void => {
        trouble(name, why);
      },
    };
    return opening.hold(user.attach(log), (end) => end());
  };
  await Promise.all([...users].map(attach));
}
