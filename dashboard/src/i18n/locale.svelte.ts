/**
 * The page's language: `?lang=` first, then what was chosen before, then Chinese.
 * Codes from the gateway are translated here; an unknown code is shown as it came.
 */
import { unitOf, valueOf } from '../format';
import type { Words } from '../live/wire';
import { en } from './en';
import { QUANTITIES } from './quantities';
import { zh, type Dictionary } from './zh';

export type Language = 'zh' | 'en';
const KEY = 'maibo.lang';
const dictionaries: Readonly<Record<Language, Dictionary>> = { zh, en };

function parse(text: string | null): Language | null {
  if (text === null) return null;
  return text.startsWith('en') ? 'en' : text.startsWith('zh') ? 'zh' : null;
}

function remembered(): string | null {
  // Storage is refused in some hardened browsers; the language is then only not remembered.
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export interface Reading {
  readonly text: string;
  readonly unit: string;
}

/** Whether a quantity is yes or no: it has words, and no limits worth drawing. */
export function binary(quantity: string | null | undefined): boolean {
  return QUANTITIES[quantity ?? '']?.states !== undefined;
}

class Locale {
  language = $state<Language>(parse(new URLSearchParams(location.search).get('lang')) ?? parse(remembered()) ?? 'zh');
  words = $derived(dictionaries[this.language]);

  switch(): void {
    this.language = this.language === 'zh' ? 'en' : 'zh';
    try {
      localStorage.setItem(KEY, this.language);
    } catch {
      // See `remembered`.
    }
  }

  /** The text in the page's language, the other one where it is empty. */
  pick(words: Words | null | undefined): string {
    if (!words) return '';
    return this.language === 'zh' ? words.zh || words.en : words.en || words.zh;
  }

  code(table: Readonly<Record<string, string>>, code: string | null | undefined): string {
    return code ? (table[code] ?? code) : '';
  }

  /** Who did something: an operator, somebody at a receiver, and behind that who put it down. */
  actor(by: string | null | undefined): string {
    const [receiver = '', person, operator] = (by ?? '').split('/');
    const { actors, enteredBy } = this.words;
    return operator === undefined ? this.code(actors, by) : enteredBy(`${receiver}/${person}`, this.code(actors, operator));
  }

  quantity(code: string | null | undefined): string {
    return code ? this.pick(QUANTITIES[code]) || code : '';
  }

  /** The word of a yes/no value (a mean of several counts as what it is nearer to); null for other quantities. */
  state(quantity: string | null | undefined, value: number): string | null {
    const states = QUANTITIES[quantity ?? '']?.states;
    return states ? this.pick(states[value >= 0.5 ? 1 : 0]) : null;
  }

  /** A value as it is shown: a figure with its unit, or a word without one. */
  reading(quantity: string | null | undefined, value: number | null, unit: string | null): Reading {
    const word = value !== null && Number.isFinite(value) ? this.state(quantity, value) : null;
    return word === null ? { text: valueOf(value), unit: binary(quantity) ? '' : unitOf(unit, this.language) } : { text: word, unit: '' };
  }
}

export const locale = new Locale();
