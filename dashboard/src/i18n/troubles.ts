/**
 * Why a receiver was not told: the gateway's sentences, which are English, in both languages. What stands behind a sentence
 * (a status, a receiver's own words) is left as it is; a sentence of a newer gateway is shown as it came.
 */
import type { Language } from './locale.svelte';

export const TROUBLES: Readonly<Record<string, string>> = {
  "the receiver's name cannot be resolved": '接收方的域名无法解析',
  'the receiver is in a private network that is not allowed': '接收方在未获允许的内网',
  'no connection to the receiver': '连不上接收方',
  "the receiver's certificate is not valid": '接收方的证书无效',
  'the receiver offers no TLS': '接收方不支持加密连接',
  'the receiver did not answer in time': '接收方未在时限内应答',
  'the connection to the receiver broke': '与接收方的连接中断',
  "the message cannot be put into the receiver's format": '消息无法写成接收方的格式',
  'the receiver asks for fewer messages': '接收方要求减少消息',
  'the receiver has a fault': '接收方发生故障',
  'the receiver does not accept signature, token or login': '接收方不认可签名、令牌或登录',
  'the receiver refuses': '接收方拒收',
  'the receiver is gone for good': '接收方已永久停用',
  'the receiver redirects, which is not followed': '接收方要求转往别处，不予跟随',
  'too many deliveries wait for this receiver': '该接收方积压过多',
  'the episode ended 24 h ago': '预警结束已满 24 小时',
  'decided in a muted period of its rule': '在规则的免打扰时段',
  'whether its cause is told instead is not decided yet': '是否由其根因代为告知，尚未确定',
  'it lies in the past: told as it stands when no more of it comes': '属于补传的过去情况，待数据到齐后按最终状态告知',
};

/** Sentences with a name or a number in them. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^superseded by version (\d+)$/, '由第 $1 版代替'],
  [/^silenced by ([^:]+): /s, '$1 静默：'],
  [/^under maintenance by ([^:]+): /s, '$1 报检修：'],
  [/^inhibited by (\w+)$/, '由预警 $1 代为告知'],
];
const LAST = '; last attempt: ';

function known(sentence: string): readonly [string | undefined, rest: string] {
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
      if (trouble) return rest === '' ? trouble : `${trouble}（${rest}）`;
      const pattern = PATTERNS.find(([form]) => form.test(sentence));
      return pattern ? sentence.replace(pattern[0], pattern[1]) : sentence;
    })
    .join('；最后一次：');
}
