// The gateway's contract over a seeded city: `node test/fake-server.mjs`, then open the address it prints.
// Environment: PORT, SCENARIO (burning | empty | deaf), TROUBLE (any: receivers in trouble, a missed task), DEVICES, MAIBO_UI_DIST (default dist), MAIBO_FIXTURES (borders).
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { FakeCity } from './fake-city.mjs';
import { explained } from './fake-index.mjs';
import { FakeOutward } from './fake-outward.mjs';

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const RING = 300;

/** Starts one gateway; resolves with its address and the means to make trouble. */
export async function fakeGateway({ port = 0, scenario = 'burning', devices = 5_000, dist, snapshotFails = false, heldAlerts = 0, trouble = false } = {}) {
  const city = new FakeCity({ scenario, devices });
  const outward = new FakeOutward(city, trouble);
  const folder = dist ?? fileURLToPath(new URL('../dist', import.meta.url));
  const epoch = Math.random().toString(36).slice(2, 6);
  const ring = [];
  const clients = new Set();
  const mood = { silent: false, snapshotFails, conflict: null };
  let seq = 0;

  const send = (frame) => {
    seq += 1;
    const text = JSON.stringify({ ...frame, s: seq, ts: Date.now() });
    ring.push([seq, text]);
    if (ring.length > RING) ring.shift();
    if (!mood.silent) for (const client of clients) client.send(text);
  };
  const up = (...alerts) => send({ t: 'al', up: alerts });
  const problem = (status, code, more = {}) => ({ status, type: 'application/problem+json', body: { type: 'about:blank', title: code, status, code, detail: '', ...more } });
  const ok = (body) => ({ status: 200, type: 'application/json', body });

  const answers = {
    'view/snapshot': () =>
      mood.snapshotFails
        ? problem(503, 'unavailable')
        : ok({
            epoch, seq, now: Date.now(), version: city.catalogue.version, l: city.levels, v: city.values, a: city.times, alerts: [...city.alerts.values()].slice(heldAlerts),
            featured: [0, 7, 14, 21].filter((at) => at < city.levels.length).map((at) => ({ device: city.catalogue.id[at], quantity: city.catalogue.quantity[at] })), hb: city.heartbeat(seq),
          }),
    'view/devices': () => ok(city.catalogue),
    receivers: () => ok(outward.receivers()),
    status: () => ok({ product: 'maibo', version: '0.1.0', mode: 'demo', durability: 'power-safe' }),
    places: () => ok({ items: city.places(), next: null }),
    rules: () => ok({ items: city.rules(), next: null }),
    districts: async () => ok(city.districts(process.env.MAIBO_FIXTURES ? JSON.parse(await readFile(join(process.env.MAIBO_FIXTURES, 'geo/beijing-districts.geojson'), 'utf8')) : null)),
  };

  async function answer(request, url) {
    const path = url.pathname.replace(/^\/api\/v1\//, '');
    if (answers[path]) return answers[path]();
    if (path === 'index/explain') {
      const told = explained(city, url.searchParams.get('of') ?? 'city');
      return told ? ok(told) : problem(404, 'not_found');
    }
    const list = (items) => ok({ items, next: null });
    if (path === 'deliveries') return list(outward.deliveries(url.searchParams.has('dismissed') ? 'dismissed' : url.searchParams.get('outcome')));
    if (path === 'plans/runs') return list(outward.runs(url.searchParams.get('alert')));
    const [kind, id, part, rest] = path.split('/').map(decodeURIComponent);
    if (kind === 'devices' && part === 'series') return ok(city.series(id, Number(url.searchParams.get('from')), Number(url.searchParams.get('to')), Number(url.searchParams.get('points')), rest));
    if (kind === 'deliveries' && part === 'dismiss') {
      const aside = outward.dismiss(id, JSON.parse(await text(request)).note ?? '', request.headers['maibo-actor']);
      return typeof aside === 'number' ? problem(aside, 'not_found') : ok(aside);
    }
    if (kind === 'deliveries' && part === 'replay') {
      const sent = outward.replay(id);
      return typeof sent === 'number' ? problem(sent, sent === 404 ? 'not_found' : 'conflict') : ok(sent);
    }
    if (kind === 'alerts' && id === outward.past?.id && !part) return ok(outward.past);
    if (kind !== 'alerts' || !city.alerts.has(id)) return problem(404, 'not_found');
    if (part === 'timeline') return list(outward.timeline(id));
    if (part === 'answer') {
      const body = JSON.parse(await text(request));
      outward.enter(id, body, request.headers['maibo-actor']);
      const alert = city.change(id, 'acknowledged', { acknowledged: { by: outward.entered.by, at: outward.entered.at, note: body.note ?? '' } });
      up(alert);
      return ok(alert);
    }
    if (part !== 'acknowledge') return ok(city.detail(id));
    if (mood.conflict) return problem(409, 'conflict', { reason: mood.conflict, current: city.alerts.get(id) });
    const body = JSON.parse(await text(request));
    const alert = city.change(id, 'acknowledged', { acknowledged: { by: request.headers['maibo-actor'] ?? 'operator', at: new Date().toISOString(), note: body.note ?? null } });
    up(alert);
    return ok(alert);
  }

  async function text(request) {
    let all = '';
    for await (const chunk of request) all += chunk;
    return all;
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname.startsWith('/api/v1/')) {
      const { status, type, body } = await answer(request, url);
      response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(body));
      return;
    }
    const name = url.pathname === '/' ? 'index.html' : normalize(url.pathname).replace(/^[/.]+/, '');
    try {
      const bytes = await readFile(join(folder, name));
      response.writeHead(200, { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });

  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (client) => {
    client.once('message', (data) => {
      const { resume } = JSON.parse(data);
      const resumed = resume?.epoch === epoch && resume.seq >= seq - ring.length;
      client.send(JSON.stringify({ t: 'welcome', v: 1, view: 'city', epoch, seq, now: Date.now(), hb: 1000, mode: resumed ? 'resumed' : 'snapshot' }));
      if (resumed) for (const [s, frame] of ring) if (s > resume.seq) client.send(frame);
      clients.add(client);
    });
    client.on('close', () => clients.delete(client));
  });

  const timers = [
    setInterval(() => scenario !== 'deaf' && devices > 0 && send({ t: 'dv', ...city.deviceFrame() }), 200),
    setInterval(() => {
      if (!mood.silent) for (const client of clients) client.send(JSON.stringify(city.heartbeat(seq)));
    }, 1_000),
  ];
  if (scenario === 'burning') {
    timers.push(setInterval(() => up(city.raise()), 9_000));
    timers.push(setInterval(() => city.open().length > 100 && up(city.resolve(city.open()[0].id)), 14_000));
  }
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    city, mood, outward, up,
    drop: () => clients.forEach((client) => client.terminate()),
    close: () => {
      timers.forEach(clearInterval);
      clients.forEach((client) => client.terminate());
      server.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const gateway = await fakeGateway({
    port: Number(process.env.PORT ?? 8090), scenario: process.env.SCENARIO, trouble: Boolean(process.env.TROUBLE), devices: Number(process.env.DEVICES ?? 5_000), dist: process.env.MAIBO_UI_DIST,
  });
  process.stdout.write(`${gateway.address}\n`);
}
