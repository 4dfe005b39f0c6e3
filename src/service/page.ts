import { createHash } from 'node:crypto';

/* The page at `/`: no build and no files of others; its policy allows this script and this style alone. */

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; display: flex; flex-direction: column; gap: .75rem; min-height: 100dvh; box-sizing: border-box; }
h1 { font-size: 1.1rem; margin: 0; }
#state { font-size: .85rem; opacity: .75; font-variant-numeric: tabular-nums; }
#log { flex: 1; display: flex; flex-direction: column; gap: .5rem; overflow-wrap: anywhere; }
#log p { margin: 0; padding: .5rem .75rem; border-radius: .5rem; white-space: pre-wrap; }
.user { align-self: flex-end; background: color-mix(in srgb, CanvasText 12%, Canvas); }
.model { border: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); }
.error { border: 1px solid; color: light-dark(#b00020, #ff8a80); }
.told { font-size: .8rem; opacity: .7; font-variant-numeric: tabular-nums; }
form { display: grid; grid-template-columns: 1fr auto auto; gap: .5rem; }
textarea, input, button, select { font: inherit; padding: .5rem; border-radius: .5rem; border: 1px solid color-mix(in srgb, CanvasText 30%, Canvas); background: Canvas; color: CanvasText; }
textarea { resize: vertical; min-height: 2.5rem; }
button { cursor: pointer; }
button:disabled { opacity: .4; cursor: default; }
details { font-size: .85rem; }
`;

const script = `
const by = (id) => document.getElementById(id);
const [log, ask, send, stop, key, model, state] = ['log', 'ask', 'send', 'stop', 'key', 'model', 'state'].map(by);
const turns = [];
let running, asked = false;
const headers = () => ({ 'content-type': 'application/json', ...(key.value === '' ? {} : { authorization: 'Bearer ' + key.value }) });
const add = (kind, text = '') => {
  const made = document.createElement('p');
  made.className = kind;
  made.textContent = text;
  log.append(made);
  made.scrollIntoView({ block: 'end' });
  return made;
};
const problem = async (response) => {
  const body = await response.json().catch(() => ({}));
  return response.status + ': ' + (body.error?.message ?? response.statusText);
};
async function look() {
  try {
    const response = await fetch('/state', { headers: headers() });
    if (!response.ok) {
      state.textContent = response.status === 401 ? (key.value === '' ? 'a key is needed' : 'this key is not known here') : await problem(response);
      if (response.status === 401 && !asked) { asked = true; by('more').open = true; key.focus(); }
      return;
    }
    const { models, tokens, state: how } = await response.json();
    const wanted = models.map(({ name }) => name).join();
    if (model.dataset.of !== wanted) {
      model.dataset.of = wanted;
      model.replaceChildren(...models.map(({ name }) => new Option(name, name)));
    }
    state.textContent = how + ' · ' + models.map(({ name, running: n, places, waiting }) =>
      name + ': ' + n + ' of ' + places + ' at work, ' + waiting + ' in the queue').join(' · ') + ' · ' + tokens + ' tokens so far';
  } catch { state.textContent = 'the service does not answer'; }
}
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\\n\\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const line = block.split('\\n').find((one) => one.startsWith('data: '));
      if (line !== undefined && line !== 'data: [DONE]') yield JSON.parse(line.slice(6));
    }
  }
}
async function answer() {
  const shown = add('model');
  const told = add('told', 'waiting for its turn');
  running = new AbortController();
  let text = '', attempt = 1, ended = false;
  try {
    const body = JSON.stringify({ model: model.value, messages: turns });
    const response = await fetch('/v1/generate', { method: 'POST', headers: headers(), body, signal: running.signal });
    if (!response.ok) throw new Error(await problem(response));
    const id = response.headers.get('x-generation-id');
    running.signal.addEventListener('abort', () => void fetch('/v1/generate/' + id, { method: 'DELETE', headers: headers() }));
    for await (const event of events(response.body)) {
      if (event.error) throw new Error(event.error.message);
      if (event.attempt > attempt) { attempt = event.attempt; text = ''; }
      if (event.text !== undefined) {
        text += event.text;
        shown.textContent = text;
        told.textContent = event.total_token_count + ' tokens, ' + event.token_rate.toFixed(1) + ' a second';
        told.scrollIntoView({ block: 'end' });
      }
      if (event.finish_reason) {
        ended = true;
        told.textContent += event.finish_reason === 'stop' ? '' : ' (' + event.finish_reason + ')';
      }
    }
    if (!ended) throw new Error('the connection was lost');
    turns.push({ role: 'assistant', content: text });
  } catch (error) {
    turns.pop();
    if (running.signal.aborted) told.textContent += ', stopped';
    else {
      told.remove();
      if (text === '') shown.remove();
      add('error', error.message);
    }
  }
  running = undefined;
}
by('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const content = ask.value.trim();
  if (content === '' || running) return;
  ask.value = '';
  turns.push({ role: 'user', content });
  add('user', content);
  send.disabled = true; stop.disabled = false;
  await answer();
  send.disabled = false; stop.disabled = true;
  ask.focus();
  void look();
});
stop.addEventListener('click', () => running?.abort());
key.addEventListener('change', look);
key.addEventListener('keydown', (event) => { if (event.key === 'Enter') { void look(); ask.focus(); } });
ask.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); by('form').requestSubmit(); }
});
look();
setInterval(look, 1000);
`;

/** A chat with a model, how many tokens a second it gets, and how busy the service is. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<h1>Millrace</h1>
<div id="state" role="status">asking how it is</div>
<div id="log" aria-live="polite"></div>
<form id="form">
<textarea id="ask" rows="1" placeholder="Ask something" aria-label="Your message" autofocus></textarea>
<button id="send">Send</button>
<button id="stop" type="button" disabled>Stop</button>
</form>
<details id="more">
<summary>Model and key</summary>
<label>Model <select id="model"></select></label>
<label>Key <input id="key" type="password" autocomplete="off" placeholder="where one is needed"></label>
</details>
<script>${script}</script>
</body>
</html>
`;

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What the page may do: its own script and style, and asking where it came from. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
