// Opens the built page in Chromium over the fake gateway, plays the states an operator sees, and keeps a picture of each.
// Fails on any console output, page error, refused policy or foreign request. Environment: OUT (default: a temporary folder),
// CHROMIUM (default /usr/bin/chromium), ONLY (comma-separated names).
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { fakeGateway } from './fake-server.mjs';

const OUT = process.env.OUT ?? join(tmpdir(), 'maibo-shots');
const WIDE = { width: 1920, height: 1080 };
const SMALL = { width: 1280, height: 720 };
const WEBGL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const COMMON = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const mapReady = (page) => page.waitForSelector('[data-map="ready"]', { timeout: 60_000 });
const firstRow = '[data-alert] .title';

/** A drill among real alerts, chosen. */
async function drill(page, gateway) {
  const subject = { kind: 'drill', id: 'flood-2026-11' };
  const title = { zh: '演练：朝阳区内涝', en: 'Drill: flood in Chaoyang' };
  const text = { zh: '演练：朝阳区内涝，红色演练，并无实际险情', en: 'Drill: flood in Chaoyang: red exercise, nothing has happened' };
  const raised = gateway.city.raise();
  const none = { device: null, device_name: null, quantity: null, unit: null, value: null, threshold: null, lon: null, lat: null };
  const alert = { ...raised, ...none, drill: true, subject, title, text, level: 'red', peak_level: 'red', data: 'fresh', reason: 'event' };
  gateway.city.alerts.set(alert.id, alert);
  gateway.up(alert);
  await page.waitForSelector('[data-bar="drill"]');
  await page.click(`[data-alert="${alert.id}"] .title`);
  await page.waitForSelector('aside [data-drill]');
}

/** The alert with a missed task, its tasks or the end of its timeline in sight. */
const outward = (sight) => async (page, gateway) => {
  await page.click(`[data-alert="${gateway.outward.chosen}"] .title`);
  await page.waitForSelector(`aside ${sight}`);
  await page.locator(`aside ${sight}`).last().scrollIntoViewIfNeeded();
  await page.waitForTimeout(500);
};

/** What the hospital said by telephone is put down by the keyboard alone; of the second task the form stands open. */
async function entered(page, gateway) {
  await outward('[data-run]')(page, gateway);
  const open = async (task) => {
    await page.focus(`[data-task="${task}"] [data-enter]`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-form="enter"] input:focus');
  };
  await open('beds');
  await page.keyboard.type('护士长');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('床位 20 张');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-task="beds"][data-stand="done"]');
  await open('shelter');
  await page.keyboard.type('赵书记');
  await page.locator('[data-run]').scrollIntoViewIfNeeded();
}

/** Receivers and dead letters, by the keyboard; one letter is sent again, one set aside, and of a third it is asked. */
async function deliveries(page) {
  await page.waitForSelector('[data-badge]');
  await page.focus('[data-deliveries]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-letter]');
  await page.focus('[data-letter] .send');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-again]');
  await page.focus('[data-letter] .aside');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-form="aside"] input:focus');
  await page.keyboard.type('已电话告知');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-aside]');
  await page.focus('[data-letter] .aside');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-form="aside"] input:focus');
}

const scenes = [
  { name: 'burning-zh', viewport: WIDE, query: '?lang=zh' },
  { name: 'burning-en', viewport: WIDE, query: '?lang=en' },
  { name: 'burning-zh-small', viewport: SMALL, query: '?lang=zh' },
  { name: 'burning-en-small', viewport: SMALL, query: '?lang=en' },
  { name: 'empty-zh-small', viewport: SMALL, query: '?lang=zh', gateway: { scenario: 'empty' } },
  { name: 'empty-en', viewport: WIDE, query: '?lang=en', gateway: { scenario: 'empty' } },
  {
    name: 'detail-zh', viewport: WIDE, query: '?lang=zh',
    play: async (page) => {
      await page.click(firstRow);
      await page.keyboard.press('l');
      await page.waitForTimeout(4_000);
    },
  },
  {
    name: 'index-zh', viewport: WIDE, query: '?lang=zh',
    play: async (page) => {
      await page.click('[data-figure="index"]');
      await page.waitForSelector('[data-index="city"] tbody tr');
    },
  },
  {
    // By the keyboard alone, from the number down to a street.
    name: 'index-street-en-small', viewport: SMALL, query: '?lang=en',
    play: async (page) => {
      await page.focus('[data-figure="index"]');
      await page.keyboard.press('Enter');
      for (const of of ['domain:', 'street:']) {
        await page.waitForSelector('[data-index] tbody .link');
        await page.focus('[data-index] tbody .link');
        await page.keyboard.press('Enter');
        await page.waitForSelector(`[data-index^="${of}"] tbody tr`);
      }
    },
  },
  { name: 'no-devices-zh', viewport: WIDE, query: '?lang=zh', gateway: { scenario: 'empty', devices: 0 } },
  { name: 'no-devices-en-small', viewport: SMALL, query: '?lang=en', gateway: { scenario: 'empty', devices: 0 } },
  {
    name: 'smoke-en', viewport: WIDE, query: '?lang=en&district=110105',
    play: async (page, gateway) => {
      const smoke = gateway.city.open().find((alert) => alert.quantity === 'smoke');
      await page.goto(`${page.url()}&alert=${smoke.id}`);
      await mapReady(page);
      await page.waitForSelector('.advice');
      await page.waitForTimeout(4_000);
    },
  },
  {
    name: 'resolved-zh', viewport: WIDE, query: '?lang=zh',
    play: async (page, gateway) => {
      for (const alert of gateway.city.open().slice(0, 4)) gateway.up(gateway.city.resolve(alert.id));
      await page.click('.tabs button:nth-child(2)');
      await page.click(firstRow);
      await page.waitForSelector('.advice');
    },
  },
  {
    name: 'conflict-en-small', viewport: SMALL, query: '?lang=en',
    play: async (page, gateway) => {
      gateway.mood.conflict = 'level_rose';
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('a');
      await page.waitForSelector('[data-refusal="level_rose"]');
    },
    allow: /409/,
  },
  {
    name: 'acknowledge-zh-small', viewport: SMALL, query: '?lang=zh',
    play: async (page) => {
      await page.keyboard.press('j');
      await page.fill('aside textarea', '已派抢修队 3 组');
      await page.click('aside form button');
      await page.waitForSelector('aside [data-acknowledged]');
    },
  },
  {
    name: 'handling-zh', viewport: WIDE, query: '?lang=zh',
    play: async (page) => {
      await page.click(firstRow);
      await page.click('[data-act="silence"]');
    },
  },
  {
    name: 'handling-en-small', viewport: SMALL, query: '?lang=en',
    play: async (page) => {
      await page.click(firstRow);
      await page.click('[data-act="close"]');
    },
  },
  {
    name: 'stale-zh-small', viewport: SMALL, query: '?lang=zh',
    play: async (page, gateway) => {
      gateway.mood.silent = true;
      await page.waitForSelector('[data-link="stale"]');
    },
  },
  {
    name: 'offline-en-small', viewport: SMALL, query: '?lang=en',
    play: async (page, gateway) => {
      gateway.close();
      await page.waitForSelector('[data-link="offline"] ');
      await page.waitForTimeout(2_500);
    },
    allow: /ERR_CONNECTION_REFUSED|WebSocket connection/,
  },
  { name: 'tasks-zh', viewport: WIDE, query: '?lang=zh', gateway: { trouble: true }, play: outward('[data-run]') },
  { name: 'entered-zh', viewport: WIDE, query: '?lang=zh', gateway: { trouble: true }, play: entered },
  { name: 'entered-en-small', viewport: SMALL, query: '?lang=en', gateway: { trouble: true }, play: entered },
  { name: 'timeline-en-small', viewport: SMALL, query: '?lang=en', gateway: { trouble: true }, play: outward('[data-entry]') },
  { name: 'timeline-zh', viewport: WIDE, query: '?lang=zh', gateway: { trouble: true }, play: outward('[data-entry]') },
  { name: 'deliveries-zh', viewport: WIDE, query: '?lang=zh', gateway: { trouble: true }, play: deliveries },
  { name: 'deliveries-en-small', viewport: SMALL, query: '?lang=en', gateway: { trouble: true }, play: deliveries },
  { name: 'deliveries-none-zh-small', viewport: SMALL, query: '?lang=zh&deliveries=open' },
  { name: 'drill-zh', viewport: WIDE, query: '?lang=zh', play: drill },
  { name: 'drill-en-small', viewport: SMALL, query: '?lang=en', play: drill },
  { name: 'deaf-zh-small', viewport: SMALL, query: '?lang=zh', gateway: { scenario: 'deaf' } },
  { name: 'no-webgl-zh-small', viewport: SMALL, query: '?lang=zh', args: ['--disable-gpu', '--disable-3d-apis'], noMap: true },
  { name: 'snapshot-failed-en-small', viewport: SMALL, query: '?lang=en', gateway: { snapshotFails: true }, noMap: true, allow: /503/, wait: '[data-screen="snapshot"]' },
];

await mkdir(OUT, { recursive: true });
const only = process.env.ONLY?.split(',');
let failed = false;
for (const scene of scenes.filter((one) => !only || only.includes(one.name))) {
  const gateway = await fakeGateway(scene.gateway);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...COMMON, ...(scene.args ?? WEBGL)] });
  const page = await browser.newPage({ viewport: scene.viewport });
  const faults = [];
  const note = (text) => !scene.allow?.test(text) && faults.push(text);
  page.on('console', (message) => note(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => note(`error: ${error.stack}`));
  page.on('request', (request) => /^(http|ws)/.test(request.url()) && !request.url().startsWith(gateway.address) && note(`foreign: ${request.url()}`));
  try {
    await page.goto(gateway.address + scene.query);
    if (scene.noMap) await page.waitForSelector(scene.wait ?? '[data-alert]');
    else await mapReady(page);
    await page.waitForTimeout(2_500);
    await scene.play?.(page, gateway);
  } catch (error) {
    faults.push(String(error));
  }
  await page.screenshot({ path: `${OUT}/${scene.name}.png` });
  await browser.close();
  gateway.close();
  failed ||= faults.length > 0;
  process.stdout.write(`${faults.length === 0 ? 'ok    ' : 'FAULTS'} ${scene.name}\n${faults.map((fault) => `       ${fault}\n`).join('')}`);
}
process.exitCode = failed ? 1 : 0;
