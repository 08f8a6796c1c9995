// What the fake gateway says of the outward side: timelines, runs of plans, receivers, and deliveries that can be sent again.
const iso = (ms) => new Date(ms).toISOString();
const PAST = '9f3c2d4e5a6b7c8d9e0f1a2b3c4d5e6f';
const none = {
  text: { zh: '', en: '' }, version: null, reason: null, state: null, level: null, by: null, note: null, stamp: null, receiver: null, outcome: null, attempts: null, error: null,
  owed_since: null, next_attempt_at: null, plan: null, task: null, step: null,
};
const receiver = (name, fields = {}) => ({
  name, kind: 'http', format: 'native', host: `${name}.city.example`, mode: 'all', min_level: 'blue', domains: [], districts: [], from_reminder: 0, planned: false, health: 'well',
  failing_since: null, last_error: null, needs_operator: false, last_success: iso(Date.now() - 40_000), pending: 0, ...fields,
});

/** `trouble`: one receiver refuses, one does not answer, there are dead letters, and a task of a plan was missed. */
export class FakeOutward {
  constructor(city, trouble) {
    [this.city, this.trouble] = [city, trouble];
    const began = Date.now();
    this.began = began;
    const alerts = city.open().filter((alert) => alert.level !== 'blue');
    const why = ['the receiver is gone for good (HTTP 410)', 'the episode ended 24 h ago; last attempt: the receiver refuses (HTTP 401)', 'too many deliveries wait for this receiver', 'the episode ended 24 h ago; last attempt: no connection to the receiver'];
    const to = ['flood-office', 'old-platform', 'traffic-police', 'hospital'];
    this.dead = !trouble ? [] : Array.from({ length: 9 }, (_, at) => ({
      id: String(900 - at), receiver: to[at % 4], alert: at % 3 === 2 ? PAST : alerts[at].id, version: 1 + (at % 3), outcome: 'dead', attempts: [7, 288, 0, 291][at % 4],
      last_error: why[at % 4], next_attempt_at: null, created_at: iso(began - 90_000_000 - at * 400_000), settled_at: iso(began - 600_000 - at * 4_000_000), bundle: null, dismissed: null,
    }));
    /** An alert of long ago: the page has it not, the gateway knows it. */
    this.past = alerts.length === 0 ? null : { ...alerts[0], id: PAST, state: 'resolved', resolved_at: iso(began - 100_000_000) };
    this.chosen = alerts.find((alert) => alert.level === 'red')?.id;
  }

  receivers() {
    if (!this.trouble) return [];
    const now = Date.now();
    return [
      receiver('flood-office', { format: 'cap', pending: 1 }),
      receiver('traffic-police', { kind: 'mqtt', format: 'cloudevents', pending: 214, health: 'failing', failing_since: iso(this.began - 754_000), last_error: 'no connection to the receiver', last_success: iso(now - 900_000) }),
      receiver('duty-group', { format: 'dingtalk', host: 'oapi.dingtalk.com', pending: 12, health: 'failing', failing_since: iso(this.began - 95_000), last_error: 'the receiver does not accept signature, token or login (310000 sign not match)', needs_operator: true, last_success: null }),
      receiver('hospital', { kind: 'mail', format: 'mail', host: 'mail.city.example' }),
      receiver('duty-chief', {}),
    ];
  }

  deliveries(outcome) {
    if (outcome === 'dismissed') return this.dead.filter((letter) => letter.dismissed);
    if (outcome === 'dead') return this.dead.filter((letter) => letter.outcome === 'dead' && !letter.dismissed);
    const wait = (id, name, ms) => ({ id, receiver: name, alert: this.chosen, version: 1, outcome: 'pending', attempts: 2, last_error: null, created_at: iso(this.began - ms), settled_at: null });
    return this.trouble && outcome === 'pending' ? [wait('903', 'flood-office', 3_000), wait('902', 'duty-group', 95_000), wait('901', 'traffic-police', 754_000)] : [];
  }

  /** A dead letter sent again: the row, or the status of the refusal. */
  replay(id) {
    const at = this.dead.findIndex((letter) => letter.id === id);
    if (at < 0) return 404;
    if (this.dead[at].outcome !== 'dead') return 409;
    return (this.dead[at] = { ...this.dead[at], outcome: 'pending', settled_at: null, dismissed: null });
  }

  /** A dead letter set aside. */
  dismiss(id, note, by) {
    const at = this.dead.findIndex((letter) => letter.id === id);
    return at < 0 ? 404 : (this.dead[at] = { ...this.dead[at], dismissed: this.dead[at].dismissed ?? { by, at: iso(Date.now()), note } });
  }

  /** What an operator put down for an owner. */
  enter(id, body, operator) {
    this.entered = { by: `${body.receiver}/${body.by}/${operator}`, at: iso(Date.now()), receiver: body.receiver, id };
  }

  runs(id) {
    if (!this.trouble || id !== this.chosen) return [];
    const at = (ms) => iso(this.began + ms);
    const task = (name, owner, zh, en, fields) => ({ name, owner, what: { zh, en }, done: 'acknowledged', state: 'running', due_at: null, done_at: null, done_by: null, missed_at: null, escalate: [], then: [], rungs_told: 0, next_at: null, ...fields });
    const done = this.entered;
    const seen = (one) => (done?.receiver === one.owner ? { ...one, state: one.missed_at ? 'missed' : 'done', done_at: done.at, done_by: done.by } : one);
    return [{
      id: '4', plan: 'cloudburst', title: { zh: '城市内涝应急预案', en: 'Urban flooding' }, district: '110105', level: 'red', called_at: at(-400_000), began_at: at(-399_000), ended_at: null, alerts: [id],
      tasks: [
        task('pumps', 'water', '派出泵车', 'send pumps', { state: 'done', due_at: at(-99_000), done_at: at(-212_000), done_by: 'water/张三' }),
        task('road', 'traffic-police', '封闭道路', 'close the road', { state: 'missed', due_at: at(-99_000), missed_at: at(-98_600), escalate: ['duty-chief'], then: [{ after_s: 600, escalate: ['mayors-office'] }], next_at: at(501_000) }),
        task('beds', 'hospital', '备好床位', 'make beds ready', { due_at: at(1_500_000) }),
        task('shelter', 'sub-district', '开放避难场所', 'open the shelter', { due_at: at(-5_000), done: 'responding' }),
      ].map(seen),
    }];
  }

  timeline(id) {
    const versions = this.city.courses.get(id);
    const [first] = versions;
    const started = Date.parse(first.at);
    const items = [{ ...none, at: iso(started - 400), kind: 'happened', text: { zh: '开始发生', en: 'It began' } }];
    for (const one of versions) {
      const kind = one.version === 1 ? 'known' : one.actor ? 'act' : 'changed';
      items.push({ ...none, at: one.at, kind, version: one.version, reason: one.reason, state: one.state, level: one.level, by: one.actor, text: one.text ?? { zh: `数值 ${Number(one.value).toFixed(2)}`, en: `value ${Number(one.value).toFixed(2)}` } });
    }
    if (this.trouble && id === this.chosen) {
      const tell = (ms, kind, name, outcome, zh, en, fields) => ({ ...none, at: iso(started + ms), kind, version: 1, receiver: name, outcome, attempts: 1, owed_since: first.at, text: { zh: `${zh} ${name}`, en: `${en} ${name}` }, ...fields });
      const plan = (ms, step, zh, en, fields = {}) => ({ ...none, at: iso(started + ms), kind: 'plan', step, plan: 'cloudburst', text: { zh, en }, ...fields });
      items.push(
        tell(320, 'told', 'water', 'delivered', '已告知', 'Told', {}),
        tell(1_800, 'told', 'flood-office', 'delivered', '已告知', 'Told', { attempts: 2 }),
        tell(2_000, 'withheld', 'press', 'inhibited', '按规定不告知', 'Withheld:', { attempts: 0, error: 'inhibited by 9f3c2d4e5a6b7c8d9e0f1a2b3c4d5e6f' }),
        plan(2_100, 'began', '启动预案 cloudburst', 'Plan cloudburst began'),
        { ...none, at: iso(started + 60_000), kind: 'answer', version: 2, level: first.level, reason: 'acknowledged', by: 'water/张三', note: '三台泵车已出发', receiver: 'water', text: { zh: 'water/张三 已确认：三台泵车已出发', en: 'water/张三 acknowledged: 三台泵车已出发' } },
        plan(60_020, 'done', 'water/张三 完成 pumps', 'water/张三 did pumps', { by: 'water/张三', task: 'pumps' }),
        { ...none, at: iso(started + 60_030), kind: 'stamp', stamp: 'responding', version: 2, by: 'water/张三', text: { zh: '处置', en: 'Responding' } },
        plan(180_000, 'missed', 'traffic-police 逾期未完成 road', 'traffic-police missed road', { task: 'road' }),
        plan(180_100, 'escalated', 'road 逾期，升级告知 duty-chief', 'road was missed: duty-chief is told', { task: 'road' }),
        tell(180_900, 'told', 'duty-chief', 'delivered', '已告知', 'Told', {}),
        tell(181_000, 'withheld', 'old-platform', 'dead', '未能告知', 'Given up:', { attempts: 7, error: 'the receiver is gone for good (HTTP 410)' }),
        tell(181_500, 'owed', 'traffic-police', 'pending', '待告知', 'Not told yet:', { attempts: 12, error: 'no connection to the receiver', next_attempt_at: iso(Date.now() + 41_000) }),
      );
    }
    return items.sort((a, b) => a.at.localeCompare(b.at));
  }
}
