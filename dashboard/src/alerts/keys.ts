/** The queue's keys: J and K move, A acknowledges, L locates, Esc closes. Never while text is typed or a modifier is down. */
export interface QueueActs {
  move(step: 1 | -1): void;
  acknowledge(): void;
  locate(): void;
  close(): void;
}

export function queueKeys(acts: QueueActs): (event: KeyboardEvent) => void {
  return (event) => {
    const target = event.target;
    const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
    if (event.key === 'Escape') {
      acts.close();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    switch (event.key.toLowerCase()) {
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
