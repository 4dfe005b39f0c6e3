import type { RequestSettings } from './chat-request.ts';
import type { OpenAiCompatibleOptions } from './openai-compatible-options.ts';
import { serverProfiles } from './server-profile.ts';

/** What the requests to a model share, by its options and its kind of server. */
export function requestSettings({
  server = 'generic',
  model,
  maxTokensField,
  extraBody = {},
}: Pick<OpenAiCompatibleOptions, 'server' | 'model' | 'maxTokensField' | 'extraBody'>): RequestSettings {
  const profile = serverProfiles[server];
  return { model, maxTokensField: maxTokensField ?? profile.maxTokensField, profile, extraBody };
}
