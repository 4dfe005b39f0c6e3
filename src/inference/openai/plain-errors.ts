/** A `fetch` whose error answers have the form that the client reads, `{ "error": { "message", "type", "code" } }`, whatever the server's. */
export const plainErrors =
  (given: typeof fetch): typeof fetch =>
  async (input, init) => {
    const response = await given(input, init);
    if (response.ok) return response;
    const body = plainErrorBody(await response.text().catch(() => ''));
    return new Response(body === '' ? null : body, { status: response.status, statusText: response.statusText, headers: response.headers });
  };

/**
 * Bare errors of vLLM and SGLang (`{ object: 'error', message }`), TGI's and Ollama's (`{ error: 'words', error_type }`), FastAPI's
 * (`{ detail }`) and Gemini's (in a list) as OpenAI writes them; anything else as it is.
 */
function plainErrorBody(text: string): string {
  const parsed = parsedJson(text);
  const error = errorIn(parsed);
  if (error !== undefined) return JSON.stringify({ error });
  const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!isRecord(body)) return text;
  const { detail } = body;
  if (detail !== undefined && body['message'] === undefined)
    return JSON.stringify({ error: { message: typeof detail === 'string' ? detail : JSON.stringify(detail) } });
  return JSON.stringify({ error: body });
}

/** The error that a body says, as OpenAI writes it; undefined where it says none. */
export function errorIn(parsed: unknown): object | undefined {
  const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!isRecord(body)) return undefined;
  const { error, error_type: type, object } = body;
  if (isRecord(error)) return error;
  if (typeof error === 'string') return { message: error, type };
  return object === 'error' ? body : undefined;
}

/** What a text says; undefined for one that is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
