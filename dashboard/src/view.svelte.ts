/** What the operator looks at: filters and the chosen alert, mirrored in the address so that a link shows the same. */
import { LEVELS } from './level';
import type { Alert, Level } from './live/wire';

export class View {
  level = $state<Level | null>(null);
  district = $state<string | null>(null);
  domain = $state<string | null>(null);
  alert = $state<string | null>(null);
  /** The part of the city whose index is open. */
  index = $state<string | null>(null);
  /** How telling goes is looked at. */
  deliveries = $state(false);
  tab = $state<'open' | 'resolved'>('open');
  filtered = $derived(this.level !== null || this.district !== null || this.domain !== null);

  constructor(search: string) {
    const query = new URLSearchParams(search);
    this.level = LEVELS.find((level) => level === query.get('level')) ?? null;
    this.district = query.get('district');
    this.domain = query.get('domain');
    this.alert = query.get('alert');
    this.index = query.get('index');
    this.deliveries = query.get('deliveries') === 'open';
  }

  /** The address of this view, keeping what others put there. */
  search(before: string): string {
    const query = new URLSearchParams(before);
    for (const key of ['level', 'district', 'domain', 'alert', 'index'] as const) {
      const value = this[key];
      if (value === null) query.delete(key);
      else query.set(key, value);
    }
    if (this.deliveries) query.set('deliveries', 'open');
    else query.delete('deliveries');
    const text = query.toString();
    return text === '' ? '' : `?${text}`;
  }

  shows(alert: Alert): boolean {
    return (
      (this.level === null || alert.level === this.level) &&
      (this.district === null || alert.district === this.district) &&
      (this.domain === null || alert.domain === this.domain)
    );
  }

  toggleLevel(level: Level): void {
    this.level = this.level === level ? null : level;
  }

  toggle(key: 'district' | 'domain' | 'index', value: string): void {
    this[key] = this[key] === value ? null : value;
  }

  clear(): void {
    this.level = this.district = this.domain = null;
  }
}
