import type { Clock } from '../../../src/clock.ts';
import { type RoutedModel, route, type RouteOptions } from '../../../src/inference/route/route.ts';
import type { OpenContext, Opened } from '../../../src/resource.ts';
import { testScope, type TestScope } from '../../helpers/scope.ts';

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
