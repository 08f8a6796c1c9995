// The page over the real binary in a real browser: one story of a duty operator, told in order.
// Environment: MAIBO_BIN (the binary), SHOT (where to keep the picture of the burning city), CHROMIUM.
// Fails on any console output but the browser's own word about a refused connection, and on any foreign request.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const BIN = process.env.MAIBO_BIN ?? new URL('../../target/release/maibo', import.meta.url).pathname;
const FLAGS = [
  '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--no-sandbox', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const REFUSED = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection/;

// What a picture of the burning city waits for: so many rows in the queue or so long, then for drawing to end.
const LIVELY_ROWS = 15;
const LIVELY_MS = 240_000;
const SETTLE_MS = 2_000;

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const within = async (what, seconds, probe) => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await probe();
    if (value) return value;
    assert.ok(Date.now() < end, `${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

// A picture is taken of a lively queue, or of what there is when it does not become one.
const lively = async (page) => {
  const end = Date.now() + LIVELY_MS;
  while (Date.now() < end && (await page.locator('[data-alert]').count()) < LIVELY_ROWS) await page.waitForTimeout(500);
};

const data = await mkdtemp(join(tmpdir(), 'maibo-browser-'));
const [http, mqtt] = [await freePort(), await freePort()];
const start = () => spawn(BIN, [
  'demo', '--listen', `127.0.0.1:${http}`, '--mqtt', `127.0.0.1:${mqtt}`, '--data', data, '--seed', '7',
], { stdio: ['ignore', 'ignore', process.env.MAIBO_VERBOSE ? 'inherit' : 'ignore'] });
const ready = () => within('ready', 30, () => fetch(`http://127.0.0.1:${http}/readyz`).then((r) => r.ok, () => false));

// How many alerts are open, by the server; null while it does not answer.
const openAlerts = () => fetch(`http://127.0.0.1:${http}/api/v1/alerts?state=firing&limit=1000`, { signal: AbortSignal.timeout(2_000) })
  .then(async (r) => (r.ok ? (await r.json()).items.length : null), () => null);

let maibo = start();
let browser;
const failures = [];
try {
  await ready();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  let outage = false;
  page.on('console', (message) => {
    if (!(outage && REFUSED.test(message.text()))) failures.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => failures.push(`page error: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.host !== `127.0.0.1:${http}`) failures.push(`foreign request: ${url}`);
  });
  const link = () => page.getAttribute('[data-link]', 'data-link');

  const opened = Date.now();
  await page.goto(`http://127.0.0.1:${http}/?lang=zh`);
  await within('the link is live', 15, async () => (await link()) === 'live');

  // Live values move.
  const rates = new Set();
  await within('live values move', 30, async () => {
    rates.add(await page.textContent('[data-figure="rate"]'));
    return rates.size >= 3;
  });

  // An alert arrives and is acknowledged within a minute of the page.
  await page.waitForSelector('[data-alert] button.ack:not([disabled])', { timeout: 60_000 });
  await within('the hand is off the queue', 5, async () => page.mouse.move(700, 500).then(() => true));
  const target = await page.getAttribute('[data-alert]:has(button.ack)', 'data-alert');
  await page.click(`[data-alert="${target}"] button.ack`);
  const acknowledged = () => fetch(`http://127.0.0.1:${http}/api/v1/alerts/${target}`).then((r) => r.json());
  const alert = await within('the server has the acknowledgement', 5, async () => {
    const found = await acknowledged();
    return found.acknowledged && found;
  });
  assert.equal(alert.acknowledged.by, 'operator');
  await page.waitForSelector(`[data-alert="${target}"] .done`, { timeout: 5_000 });
  assert.ok(Date.now() - opened < 60_000, 'within a minute of the page');

  // It is handed to a crew.
  await page.click(`[data-alert="${target}"]`, { position: { x: 80, y: 12 } });
  await page.click('[data-act="assign"]');
  await page.fill('[data-form="assign"] input', '排水三班');
  await page.click('[data-form="assign"] .send');
  const assigned = await within('the server has the assignment', 5, async () => (await acknowledged()).assigned);
  assert.deepEqual([assigned.to, assigned.by], ['排水三班', 'operator']);
  await page.waitForSelector('[data-detail] dd:has-text("排水三班")', { timeout: 5_000 });
  await page.keyboard.press('Escape');

  // The language switches, and back.
  assert.match(await page.title() + (await page.textContent('h1, .name')), /城市运行/);
  await page.click('.right button[lang]');
  await page.waitForSelector('text=City operations', { timeout: 5_000 });
  await page.click('.right button[lang]');
  await page.waitForSelector('text=城市运行', { timeout: 5_000 });

  if (process.env.SHOT) {
    await page.waitForSelector('[data-map="ready"]', { timeout: 60_000 });
    await lively(page);
    await page.mouse.move(960, 25);
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: process.env.SHOT });
    await page.click('.right button[lang]');
    await page.waitForSelector('text=City operations', { timeout: 5_000 });
    await page.mouse.move(960, 25);
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: process.env.SHOT.replace('-zh', '-en') });
    await page.click('.right button[lang]');
    await page.waitForSelector('text=城市运行', { timeout: 5_000 });
  }

  // Right is more than live: as many open alerts as the server has. Both go on changing, so they are compared until they meet.
  const right = async () => {
    if ((await link()) !== 'live') return false;
    const [served, shown] = await Promise.all([openAlerts(), page.textContent('[data-figure="open"]')]);
    return served !== null && served === Number(shown.replace(/\D/g, ''));
  };

  // The server falls silent with every connection standing, as when its machine hangs: only the clock can tell.
  maibo.kill('SIGSTOP');
  await within('the page says within 3 s of silence that it is not live', 3, async () => (await link()) !== 'live');
  maibo.kill('SIGCONT');
  await within('the page is right again after the silence', 3, right);

  // The server dies and comes back, at once and after a while: the page says so and is right again, each within 3 s.
  outage = true;
  for (const downMs of [0, 6_000]) {
    maibo.kill('SIGKILL');
    await within('the page says that it is not live', 3, async () => (await link()) !== 'live');
    await new Promise((resolve) => setTimeout(resolve, downMs));
    maibo = start();
    await ready();
    await within(`the page is right again after ${downMs} ms away`, 3, right);
    const again = await within('the acknowledgement stands', 5, () => acknowledged());
    assert.equal(again.acknowledged?.by, 'operator');
  }
  outage = false;
} finally {
  await browser?.close();
  // A stopped process dies of this as well.
  maibo.kill('SIGKILL');
  await rm(data, { recursive: true, force: true });
}
assert.deepEqual(failures, []);
console.log('the page is right: live, acknowledged, both languages, back after silence and two crashes');
