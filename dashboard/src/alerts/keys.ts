/**
 * The queue's keys: J and K move, A acknowledges, L locates, Esc closes. Never with a modifier down; while text is typed
 * only Esc counts and leaves the field; while an input method composes, every key is the input method's.
 */
export interface QueueActs {
  move(step: 1 | -1): void;
  acknowledge(): void;
  locate(): void;
  close(): void;
}

/** The key code browsers give to whatever the input method has taken, also where `isComposing` is not yet true. */
const TAKEN_BY_INPUT_METHOD = 229;

export function queueKeys(acts: QueueActs): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.isComposing || event.keyCode === TAKEN_BY_INPUT_METHOD) return;
    const target = event.target;
    const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing) {
      if (event.key === 'Escape') target.blur();
      return;
    }
    switch (event.key.toLowerCase()) {
      case 'escape':
        acts.close();
        break;
      case 'j':
        acts.move(1);
        break;
      case 'k':
        acts.move(-1);
        break;
      case 'a':
        // A key held down must not acknowledge what comes under it.
        if (!event.repeat) acts.acknowledge();
        break;
      case 'l':
        acts.locate();
        break;
      default:
        return;
    }
    event.preventDefault();
  };
}
