import { lastValueFrom, toArray } from 'rxjs';
import type { Model, ModelCapabilities } from '../../../src/inference/model.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import type { Resource } from '../../../src/resource.ts';
import type { VirtualClock } from '../../../src/virtual-clock.ts';
import type { Clock } from '../../../src/clock.ts';
import { type RoutedModel, route, type RouteOptions } from '../../../src/inference/route/route.ts';
import type { OpenContext, Opened } from '../../../src/resource.ts';
import { testScope, type TestScope, within } from '../../helpers/scope.ts';

export interface OpenedRoute extends Opened<RoutedModel> {
  readonly model: RoutedModel;
  readonly logged: string[];
}

/** What a resource is opened with, and what it logs. */
export function openContext(clock: Clock, logged: string[] = []): OpenContext {
  const log: OpenContext['log'] = (level, message) => {
    logged.push(`${level}: ${message}`);
  };
  return { clock, signal: new AbortController().signal, log };
}

/** A pool, opened. */
export async function openRoute(clock: Clock, options: RouteOptions): Promise<OpenedRoute> {
  const logged: string[] = [];
  const opened = await route(options).open(openContext(clock, logged));
  return { ...opened, model: opened.value, logged };
}

/** A scope whose chance is none. */
export const calmScope = (clock: Clock, fields: Partial<TestScope> = {}): TestScope => testScope(clock, { random: () => 0.5, ...fields });

/** A model that says its name. */
export const said = (name: string, options: Parameters<typeof scripted>[1] = {}): ScriptedModel =>
  scripted(name, { name, latencyMs: 10, ...options });

/** The text of one answer, in virtual time. */
export async function ask(clock: VirtualClock, model: Model, prompt = 'hello', scope = calmScope(clock)): Promise<string> {
  const asked = lastValueFrom(within(scope, model.chat(prompt)).pipe(toArray()));
  void asked.catch(() => undefined);
  await clock.advance(1_000);
  return (await asked).map(({ text }) => text).join('');
}

export const callsOf = (models: readonly ScriptedModel[]): readonly number[] => models.map(({ stats }) => stats.calls);

/** A model as a resource that says when it is closed. */
export const resourceOf = (model: Model, closed: string[] = []): Resource<Model> => ({
  name: model.name,
  open: () =>
    Promise.resolve({
      value: model,
      close: () => {
        closed.push(model.name);
        return Promise.resolve();
      },
    }),
});

/** One with other capabilities, and without embeddings. */
export const able = (name: string, over: Partial<ModelCapabilities>): ScriptedModel =>
  said(name, { capabilities: { embeddings: false, ...over } });
