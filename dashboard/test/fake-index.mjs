// What the fake gateway says of an index: the city and its domains with the figures of the heartbeat, and one street.
const TITLES = { municipal: '市政管理', traffic: '城市交通', ecology: '生态环境', health: '公共卫生', safety: '社会安全', emergency: '应急管理' };
const tenth = (score) => Math.round(score * 10) / 10;
const none = { never: 0, stale: 0, deaf: 0, maintenance: 0, devices: [] };
const formula = { zh: '各部分指数的加权平均值。未知的不计分，只降低覆盖率。', en: 'The weighted mean of its parts. What is unknown has no score and lowers the coverage.' };

export function explained(city, of) {
  const beat = city.heartbeat(0);
  const part = (fields) => ({ kind: 'domain', domain: null, code: null, cap: null, weight: 1, devices: 100, online: 99, coverage: 0.99, mean: fields.index, open: {}, ...fields });
  const domain = (name) => part({ of: `domain:${name}`, domain: name, name: { zh: TITLES[name], en: name }, index: tenth(beat.index.domains[name].index), coverage: beat.index.domains[name].coverage });
  const told = (fields) => ({ at: new Date().toISOString(), formula, children: [], devices: [], rest: { count: 0, weight: 0, sum: 0 }, unknown: none, ...fields });
  const names = Object.keys(TITLES).sort((a, b) => beat.index.domains[a].index - beat.index.domains[b].index);
  if (of === 'city') return told({ part: part({ of, kind: 'city', name: { zh: '全市', en: 'The city' }, index: tenth(beat.index.city), coverage: beat.index.coverage }), children: names.map(domain) });
  const alert = city.open().find((one) => one.level === 'red' && one.quantity) ?? city.open()[0];
  const cap = { level: alert.level, score: 40, cause: { alert: alert.id, rule: alert.rule, title: alert.title, subject: { kind: 'device', id: alert.device } } };
  const inside = { domain: alert.domain, devices: 9, online: 7, coverage: 0.778 };
  const street = part({ ...inside, of: `street:110105003/${alert.domain}`, kind: 'street', code: '110105003', name: { zh: '街道 110105003', en: 'Street 110105003' }, index: 40, mean: 91.4, cap });
  if (of.startsWith('street:')) {
    const row = (id, value, limit_level, level, score) => ({ id, name: '', quantity: alert.quantity, unit: alert.unit, value, limit: alert.threshold, limit_level, level, score });
    const devices = [row(alert.device, alert.value, alert.level, alert.level, 40), row('dev-2', alert.threshold * 0.8, 'blue', null, 98.3)];
    const unknown = { never: 1, stale: 1, deaf: 0, maintenance: 0, devices: [{ id: 'dev-8', name: '', why: 'never' }, { id: 'dev-9', name: '', why: 'stale' }] };
    return told({ part: street, devices, rest: { count: 5, weight: 5, sum: 500 }, unknown });
  }
  if (of.startsWith('domain:')) return told({ part: domain(of.slice(7)), children: [street] });
  return null;
}
