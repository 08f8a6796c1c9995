/** An index opened to what lowers it: the way down to a part, and what each child costs. */
import type { IndexExplanation, IndexPart } from '../live/wire';

/** The parts above a part, the city first. A district or street of one domain lies below the domain. */
export function above(part: Pick<IndexPart, 'kind' | 'domain' | 'code'>): string[] {
  if (part.kind === 'city') return [];
  const path = ['city'];
  if (part.kind === 'domain') return path;
  if (part.domain !== null) path.push(`domain:${part.domain}`);
  if (part.kind === 'street') {
    // A street's code begins with its district's; a shorter one is the district's own.
    const district = part.code !== null && part.code.length > 6 ? part.code.slice(0, 6) : 'none';
    path.push(part.domain === null ? `district:${district}` : `district:${district}/${part.domain}`);
  }
  return path;
}

/** Points below 100 that a child with this score takes from the mean; 0 where it has no score. */
export function cost(explanation: IndexExplanation, score: number | null, weight: number): number {
  const listed = explanation.children.reduce((sum, child) => sum + child.weight, 0) + explanation.devices.length;
  const total = listed + explanation.rest.weight;
  return score === null || total === 0 ? 0 : ((100 - score) * weight) / total;
}

/** The index computed from the explanation, in tenths rounded half up: what must stand beside it. */
export function recomputed(explanation: IndexExplanation): number | null {
  const tenths = (score: number): number => Math.round(score * 10);
  let [sum, weight] = [tenths(explanation.rest.sum), explanation.rest.weight];
  for (const child of explanation.children) {
    if (child.index === null) continue;
    sum += tenths(child.index) * child.weight;
    weight += child.weight;
  }
  for (const device of explanation.devices) {
    sum += tenths(device.score);
    weight += 1;
  }
  const cap = explanation.part.cap === null ? null : tenths(explanation.part.cap.score);
  if (weight === 0) return cap === null ? null : cap / 10;
  const mean = Math.floor((2 * sum + weight) / (2 * weight));
  return (cap === null ? mean : Math.min(mean, cap)) / 10;
}
