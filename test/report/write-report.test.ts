import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MonitoredItem, runMonitor, writeReport } from '../../src/index.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-report-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeReport', () => {
  it('writes the report as data and as a page, and leaves nothing beside them', async () => {
    const monitor = runMonitor({ clock: virtualClock(), total: 2 });
    monitor.item({ processingMs: 120, tokens: { input: 10, output: 4 }, calls: 1, answers: { party: 'whig' }, time: '1850' });
    monitor.item({ processingMs: 80, id: 'b', error: 'call_timeout', time: '1852' });
    const report = { title: 'documents', noun: 'documents', facts: { model: 'smollm2' }, run: monitor.snapshot() };
    await writeReport(join(folder, 'made', 'here'), report);
    expect((await readdir(join(folder, 'made', 'here'))).sort()).toEqual(['report.html', 'report.json']);
    expect(JSON.parse(await readFile(join(folder, 'made', 'here', 'report.json'), 'utf8'))).toEqual(report);
  });

  it('lets nothing of the data become part of the page', async () => {
    const hostile = '</script></style><script>alert(1)</script><img src=x onerror=alert(2)>"\'&\u202eexe.txt\u0000\ud800';
    const item: MonitoredItem = { processingMs: 1, answers: { [hostile]: hostile }, fields: { [hostile]: hostile }, time: '1900' };
    const monitor = runMonitor({ clock: virtualClock() });
    monitor.item(item);
    monitor.item({ ...item, id: hostile, error: new Error(hostile), time: '1902' });
    await writeReport(folder, { title: hostile, noun: hostile, facts: { [hostile]: hostile }, run: monitor.snapshot() });
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    expect(page.match(/<script|<img|<\/script/gi)).toBeNull();
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page.match(/[\u0000-\u0008\u202a-\u202e\ufffd]/g)?.filter((one) => one !== '\ufffd') ?? []).toEqual([]);
    expect(page).toContain('‹U+202E›exe.txt');
    // whatever stands in an attribute stays in it
    for (const [, label = ''] of page.matchAll(/aria-label="([^"]*)"/g)) expect(label).not.toMatch(/[<>]/);
    expect(page).not.toMatch(/(src|href|url)\s*[=(]\s*["']?https?:/);
    expect(page).toContain("default-src 'none'");
  });

  it.each([
    ['no title', { title: '', run: {} }, 'writeReport.report.title'],
    ['no run', { title: 'a' }, 'writeReport.report.run'],
    ['a name that is none', { title: 'a', run: {}, facst: {} }, 'did you mean facts?'],
  ])('refuses %s', async (_, report, message) => {
    await expect(writeReport(folder, report as never)).rejects.toThrow(message);
  });

  it('keeps the report before when this one cannot be written', async () => {
    const run = runMonitor({ clock: virtualClock() }).snapshot();
    await writeReport(folder, { title: 'first', run });
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    await expect(writeReport(folder, { title: 'second', run, facts: circular as never })).rejects.toThrow('circular');
    expect(await readFile(join(folder, 'report.json'), 'utf8')).toContain('"first"');
  });
});
