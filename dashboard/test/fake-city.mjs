// A seeded city in the gateway's words, for looking at the page without a gateway.

const DISTRICTS = [
  ['110101', '东城区', 'Dongcheng', 116.416, 39.928], ['110102', '西城区', 'Xicheng', 116.366, 39.912],
  ['110105', '朝阳区', 'Chaoyang', 116.51, 39.95], ['110106', '丰台区', 'Fengtai', 116.25, 39.84],
  ['110107', '石景山区', 'Shijingshan', 116.18, 39.93], ['110108', '海淀区', 'Haidian', 116.23, 40.03],
  ['110109', '门头沟区', 'Mentougou', 115.8, 39.99], ['110111', '房山区', 'Fangshan', 115.85, 39.72],
  ['110112', '通州区', 'Tongzhou', 116.73, 39.8], ['110113', '顺义区', 'Shunyi', 116.73, 40.15],
  ['110114', '昌平区', 'Changping', 116.16, 40.22], ['110115', '大兴区', 'Daxing', 116.4, 39.65],
  ['110116', '怀柔区', 'Huairou', 116.6, 40.6], ['110117', '平谷区', 'Pinggu', 117.15, 40.2],
  ['110118', '密云区', 'Miyun', 116.99, 40.53], ['110119', '延庆区', 'Yanqing', 116.15, 40.53],
];
export const LEVELS = ['blue', 'yellow', 'orange', 'red'];
const KINDS = [
  { kind: 'waterlogging', rule: 'underpass-waterlogging', domain: 'traffic', quantity: 'water_depth', unit: 'cm', levels: [5, 20, 27, 50], calm: 1, zh: '下凹桥区积水', en: 'Underpass waterlogging', name: '积水监测点', advice: ['封闭道路，启动排水', 'Close the road, start the pumps'] },
  { kind: 'air', rule: 'pm25', domain: 'ecology', quantity: 'pm25', unit: 'ug/m3', levels: [75, 115, 150, 250], calm: 38, zh: 'PM2.5 浓度超标', en: 'PM2.5 high', name: '空气微站', advice: ['核查污染源，发布提示', 'Check sources, publish advice'] },
  { kind: 'gas', rule: 'gas-leak', domain: 'municipal', quantity: 'gas_ch4', unit: '%LEL', levels: [10, 20, 25, 50], calm: 2, zh: '燃气浓度超限', en: 'Gas concentration high', name: '燃气井', advice: ['疏散并关阀', 'Evacuate and shut the valve'] },
  { kind: 'noise', rule: 'noise-night', domain: 'ecology', quantity: 'noise', unit: 'dB(A)', levels: [70, 80, 90, 100], calm: 55, zh: '噪声超标', en: 'Noise above limit', name: '噪声监测点', advice: ['派员核查', 'Send an inspector'] },
  { kind: 'bridge', rule: 'bridge-vibration', domain: 'safety', quantity: 'vibration', unit: 'mm/s', levels: [2, 5, 8, 12], calm: 0.6, zh: '桥梁振动异常', en: 'Bridge vibration', name: '桥梁测点', advice: ['限行并检测', 'Restrict traffic and inspect'] },
  { kind: 'water', rule: 'chlorine-low', domain: 'health', quantity: 'chlorine', unit: 'mg/L', levels: [0.3, 0.2, 0.1, 0.05], calm: 0.55, below: true, zh: '供水余氯偏低', en: 'Residual chlorine low', name: '供水测点', advice: ['加氯并取样', 'Dose chlorine and sample'] },
  { kind: 'crowd', rule: 'crowd-density', domain: 'safety', quantity: 'crowd_density', unit: '/m2', levels: [2, 3, 4, 5], calm: 0.7, zh: '人群密度过高', en: 'Crowd density high', name: '客流测点', advice: ['限流分流', 'Limit and divert the flow'] },
  { kind: 'smoke', rule: 'smoke', domain: 'emergency', quantity: 'smoke', unit: '1', levels: [null, null, null, 1], calm: 0, zh: '烟感报警', en: 'Smoke', name: '烟感探测点', advice: ['核实火情，通知消防', 'Verify, call the fire brigade'] },
  { kind: 'cabinet', rule: 'cabinet-power', domain: 'municipal', quantity: 'power', unit: '1', levels: [null, 0, null, null], calm: 1, below: true, zh: '机柜市电中断', en: 'Cabinet without mains', name: '路灯配电箱', advice: ['派员检修', 'Send a crew'] },
];

/** Mulberry32: the same seed gives the same city. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const laddered = (kind) => Object.fromEntries(LEVELS.map((level, place) => [level, kind.levels[place]]).filter(([, limit]) => limit !== null));
const iso = (ms) => new Date(ms).toISOString();

export class FakeCity {
  constructor({ seed = 7, devices = 5_000, scenario = 'burning' } = {}) {
    this.random = random(seed);
    this.scenario = scenario;
    this.alerts = new Map();
    this.courses = new Map();
    this.catalogue = { version: `v${seed}`, id: [], lon: [], lat: [], kind: [], district: [], domain: [], name: [], quantity: [], unit: [] };
    [this.levels, this.values, this.times] = [[], [], []];
    /** Devices whose frame is due at once. */
    this.raised = [];
    for (let at = 0; at < devices; at += 1) this.#device(at);
    if (scenario === 'burning') for (let at = 0; at < 150; at += 1) this.raise(Date.now() - Math.floor(this.random() * 3_000_000));
  }

  #device(at) {
    const [district, name, , lon, lat] = DISTRICTS[Math.floor(this.random() ** 1.4 * DISTRICTS.length)];
    const kind = KINDS[Math.floor(this.random() * KINDS.length)];
    const spread = district < '110109' ? 0.07 : 0.16;
    const columns = this.catalogue;
    columns.id.push(`${kind.kind}-${String(at).padStart(5, '0')}`);
    columns.lon.push(lon + (this.random() + this.random() - 1) * spread * 1.3);
    columns.lat.push(lat + (this.random() + this.random() - 1) * spread);
    columns.kind.push(kind.kind);
    columns.district.push(district);
    columns.domain.push(kind.domain);
    columns.name.push(`${name.slice(0, -1)}${kind.name} ${at}`);
    columns.quantity.push(kind.quantity);
    columns.unit.push(kind.unit);
    const draw = this.random();
    this.levels.push(this.scenario === 'deaf' ? -3 : this.scenario === 'empty' || draw > 0.012 ? 0 : draw < 0.003 ? -1 : -2);
    this.values.push(kind.unit === '1' ? kind.calm : kind.calm * (0.8 + 0.4 * this.random()));
    this.times.push(Date.now() - Math.floor(this.random() * 60_000));
  }

  kindOf(position) {
    return KINDS.find((kind) => kind.kind === this.catalogue.kind[position]);
  }

  raise(at = Date.now()) {
    let position;
    // One alert per device; yes/no kinds have one level only and would otherwise fill the queue.
    do position = Math.floor(this.random() * this.levels.length);
    while (this.levels[position] > 0 || (this.kindOf(position).unit === '1' && this.random() < 0.8));
    this.raised.push(position);
    const kind = this.kindOf(position);
    const draw = this.random();
    const only = kind.unit === '1' ? kind.levels.findIndex((limit) => limit !== null) + 1 : 0;
    const rank = only || (draw < 0.06 ? 4 : draw < 0.22 ? 3 : draw < 0.5 ? 2 : 1);
    const level = LEVELS[rank - 1];
    const threshold = kind.levels[rank - 1];
    const value = kind.unit === '1' ? threshold : kind.below ? threshold * 0.8 : threshold * (1.02 + 0.15 * this.random());
    const columns = this.catalogue;
    const district = DISTRICTS.find((one) => one[0] === columns.district[position]);
    const acknowledged = at < Date.now() - 900_000 && this.random() < 0.4 ? { by: this.random() < 0.5 ? '王建国' : 'operator', at: iso(at + 120_000), note: null } : null;
    const alert = {
      id: `ep${(this.alerts.size + 1).toString(16).padStart(6, '0')}`, rule: kind.rule, title: { zh: kind.zh, en: kind.en },
      subject: { kind: 'device', id: columns.id[position] }, device: columns.id[position], device_name: columns.name[position],
      place: `${district[0]}003`, district: district[0], place_name: { zh: district[1], en: district[2] }, domain: kind.domain,
      quantity: kind.quantity, unit: kind.unit, level, peak_level: level, state: 'firing', data: this.random() < 0.06 ? 'stale' : 'fresh',
      historic: false, started_at: iso(at), updated_at: iso(at), resolved_at: null, acknowledged, value, threshold, reason: 'threshold',
      version: acknowledged ? 2 : 1, lon: columns.lon[position], lat: columns.lat[position],
    };
    this.levels[position] = Math.max(rank, this.levels[position]);
    this.values[position] = value;
    this.alerts.set(alert.id, alert);
    this.courses.set(alert.id, [{ version: 1, at: iso(at), state: 'firing', level, reason: 'threshold', value, actor: null }]);
    if (acknowledged) this.courses.get(alert.id).push({ version: 2, at: acknowledged.at, state: 'firing', level, reason: 'acknowledged', value, actor: acknowledged.by });
    return alert;
  }

  change(id, reason, fields) {
    const before = this.alerts.get(id);
    const alert = { ...before, ...fields, reason, version: before.version + 1, updated_at: iso(Date.now()) };
    this.alerts.set(id, alert);
    this.courses.get(id).push({ version: alert.version, at: alert.updated_at, state: alert.state, level: alert.level, reason, value: alert.value, actor: alert.acknowledged?.by ?? null });
    return alert;
  }

  resolve(id) {
    const alert = this.change(id, 'recovered', { state: 'resolved', resolved_at: iso(Date.now()) });
    this.levels[this.catalogue.id.indexOf(alert.device)] = 0;
    return alert;
  }

  open() {
    return [...this.alerts.values()].filter((alert) => alert.state === 'firing');
  }

  deviceFrame() {
    const frame = { i: [], l: [], v: [], a: [] };
    for (let step = 0; step < 100; step += 1) {
      const at = this.raised.length > 0 ? this.raised.pop() : step < 8 ? step * 7 : Math.floor(this.random() * this.levels.length);
      const kind = this.kindOf(at);
      if (kind.unit === '1' && this.levels[at] === 0) this.values[at] = kind.calm;
      // What alerts keeps moving as well: the live value is not that of the last change.
      else if (this.levels[at] > 0 && kind.unit !== '1') this.values[at] *= 1 + 0.02 * (this.random() - 0.5);
      else if (this.levels[at] === 0) this.values[at] += (kind.calm - this.values[at]) * 0.1 + kind.calm * 0.06 * (this.random() - 0.5);
      this.times[at] = Date.now();
      frame.i.push(at);
      frame.l.push(this.levels[at]);
      frame.v.push(this.values[at]);
      frame.a.push(this.times[at]);
    }
    return frame;
  }

  series(device, from, to, points) {
    const at = this.catalogue.id.indexOf(device);
    const base = this.kindOf(at);
    const noise = random(at + 1);
    let value = base.calm;
    const rows = [];
    const state = base.unit === '1';
    for (let step = 0; step < points; step += 1) {
      // Every fifth device was silent for a while.
      if (at % 5 === 0 && step > 0.5 * points && step < 0.65 * points) continue;
      value = state ? (this.levels[at] > 0 && step > 0.8 * points ? this.values[at] : base.calm) : value;
      if (!state) value += (base.calm - value) * 0.05 + base.calm * 0.25 * (noise() - 0.5);
      const climb = this.levels[at] > 0 && !state ? Math.max(0, (step / points - 0.55) / 0.45) * (this.values[at] - base.calm) : 0;
      rows.push([Math.round(from + ((to - from) * step) / points), value, value + climb, value, 12]);
    }
    return { quantity: this.catalogue.quantity[at], unit: this.catalogue.unit[at], points: rows };
  }

  heartbeat(s) {
    const districts = {};
    for (const [code] of this.levels.length > 0 ? DISTRICTS : []) districts[code] = { devices: 0, online: 0, open: { blue: 0, yellow: 0, orange: 0, red: 0 } };
    this.catalogue.district.forEach((code, at) => {
      districts[code].devices += 1;
      if (this.levels[at] >= 0) districts[code].online += 1;
    });
    for (const alert of this.open()) districts[alert.district].open[alert.level] += 1;
    const online = this.levels.filter((level) => level >= 0).length;
    const domains = {};
    let sum = 0;
    for (const domain of ['municipal', 'traffic', 'ecology', 'health', 'safety', 'emergency']) {
      const lost = this.open().filter((alert) => alert.domain === domain).reduce((all, alert) => all + 0.25 * (1 + LEVELS.indexOf(alert.level)), 0);
      domains[domain] = { index: Math.max(35, 99.6 - lost), coverage: domain === 'health' ? 0.93 : 0.991 };
      sum += domains[domain].index;
    }
    const deaf = this.scenario === 'deaf';
    const told = this.levels.length > 0 && !deaf;
    return {
      t: 'hb', s, ts: Date.now(), rate: !told ? 0 : 480 + 40 * this.random(), devices: this.levels.length, online: deaf ? 0 : online,
      sources: [{ id: 'embedded', kind: 'embedded', state: deaf ? 'deaf' : 'listening', since: iso(Date.now() - 95_000), detail: '127.0.0.1:1883' }],
      index: told ? { city: sum / 6, coverage: 0.988, domains } : { city: null, coverage: this.levels.length > 0 ? 0 : null, domains: {} }, districts, alarm_rate_10min: this.scenario === 'empty' ? 0 : this.scenario === 'burning' ? 12 : 1, evaluating: true,
    };
  }

  detail(id) {
    const alert = this.alerts.get(id);
    const kind = KINDS.find((one) => one.rule === alert.rule);
    return {
      ...alert, versions: this.courses.get(id), advice: { zh: kind.advice[0], en: kind.advice[1] }, source: 'GB / T 示例限值',
      levels: laddered(kind), direction: kind.below ? 'below' : 'above',
    };
  }

  rules() {
    return KINDS.map((kind) => ({
      id: kind.rule, title: { zh: kind.zh, en: kind.en }, domain: kind.domain, quantity: kind.quantity, unit: kind.unit,
      levels: laddered(kind), direction: kind.below ? 'below' : 'above',
    }));
  }

  places() {
    return DISTRICTS.map(([code, zh, en]) => ({ code, name: { zh, en }, kind: 'district' }));
  }

  /** Borders: the recorded ones where the fixtures are, else boxes around the centres. */
  districts(recorded) {
    const names = new Map(DISTRICTS.map(([code, zh, en]) => [code, { code, name_zh: zh, name_en: en }]));
    if (recorded) return { ...recorded, features: recorded.features.map((one) => ({ ...one, properties: names.get(String(one.id)) ?? { code: String(one.id) } })) };
    const box = ([code, , , x, y]) => {
      const r = code < '110109' ? 0.08 : 0.17;
      return { type: 'Feature', properties: names.get(code), geometry: { type: 'Polygon', coordinates: [[[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r], [x - r, y - r]]] } };
    };
    return { type: 'FeatureCollection', features: DISTRICTS.map(box) };
  }
}
