/**
 * Why a receiver was not told: the gateway's sentences, which are English, in both languages. What stands behind a sentence
 * (a status, a receiver's own words) is left as it is; a sentence of a newer gateway is shown as it came.
 */
import type { Language } from './locale.svelte';

/** `person`: waiting will not help, somebody has to act. */
interface Trouble {
  readonly zh: string;
  readonly person?: true;
}

export const TROUBLES: Readonly<Record<string, Trouble>> = {
  "the receiver's name cannot be resolved": { zh: '接收方的域名无法解析' },
  'the receiver is in a private network that is not allowed': { zh: '接收方在未获允许的内网', person: true },
  'no connection to the receiver': { zh: '连不上接收方' },
  "the receiver's certificate is not valid": { zh: '接收方的证书无效', person: true },
  'the receiver offers no TLS': { zh: '接收方不支持加密连接', person: true },
  'the receiver did not answer in time': { zh: '接收方未在时限内应答' },
  'the connection to the receiver broke': { zh: '与接收方的连接中断' },
  "the message cannot be put into the receiver's format": { zh: '消息无法写成接收方的格式' },
  'the receiver asks for fewer messages': { zh: '接收方要求减少消息' },
  'the receiver has a fault': { zh: '接收方发生故障' },
  'the receiver does not accept signature, token or login': { zh: '接收方不认可签名、令牌或登录', person: true },
  'the receiver refuses': { zh: '接收方拒收', person: true },
  'the receiver is gone for good': { zh: '接收方已永久停用', person: true },
  'the receiver redirects, which is not followed': { zh: '接收方要求转往别处，不予跟随', person: true },
  'too many deliveries wait for this receiver': { zh: '该接收方积压过多' },
  'the episode ended 24 h ago': { zh: '预警结束已满 24 小时' },
  'decided in a muted period of its rule': { zh: '在规则的免打扰时段' },
  'whether its cause is told instead is not decided yet': { zh: '是否由其根因代为告知，尚未确定' },
  'it lies in the past: told as it stands when no more of it comes': { zh: '属于补传的过去情况，待数据到齐后按最终状态告知' },
};

/** Sentences with a name or a number in them. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^superseded by version (\d+)$/, '由第 $1 版代替'],
  [/^silenced by ([^:]+): /s, '$1 静默：'],
  [/^under maintenance by ([^:]+): /s, '$1 报检修：'],
  [/^inhibited by (\w+)$/, '由预警 $1 代为告知'],
];
const LAST = '; last attempt: ';

function known(sentence: string): readonly [Trouble | undefined, rest: string] {
  const whole = TROUBLES[sentence];
  const end = sentence.indexOf(' (');
  return whole || end < 0 ? [whole, ''] : [TROUBLES[sentence.slice(0, end)], sentence.slice(end + 2).replace(/\)$/, '')];
}

/** A sentence of the gateway in the page's language. */
export function troubleOf(text: string, language: Language): string {
  if (language === 'en') return text;
  return text
    .split(LAST)
    .map((sentence) => {
      const [trouble, rest] = known(sentence);
      if (trouble) return rest === '' ? trouble.zh : `${trouble.zh}（${rest}）`;
      const pattern = PATTERNS.find(([form]) => form.test(sentence));
      return pattern ? sentence.replace(pattern[0], pattern[1]) : sentence;
    })
    .join('；最后一次：');
}

/** Whether a person has to act, as the gateway decides it. */
export function needsPerson(text: string | null): boolean {
  return text !== null && known(text)[0]?.person === true;
}
