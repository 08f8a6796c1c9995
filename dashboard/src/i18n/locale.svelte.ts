/**
 * The page's language: `?lang=` first, then what was chosen before, then Chinese.
 * Codes from the gateway are translated here; an unknown code is shown as it came.
 */
import type { Words } from '../live/wire';
import { en } from './en';
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
}

export const locale = new Locale();
