/** Whom a node takes as a supernode, by what it has observed. Spec: OVL-030 to OVL-032 */
import type { MonoMs } from '../types.ts';
import { measured, overlayScore } from './score.ts';
import type { OverlayLink, OverlayState } from './state.ts';

/** The score of a peer from what its session has brought, 0 to 1,000. */
export function observedScore(state: OverlayState, link: OverlayLink, nowMs: MonoMs): number {
  const { params, serviceOf } = state.options;
  const service = serviceOf(link.link);
  const values = {
    uptimeMs: nowMs - link.sinceMs,
    bytesPerS: link.rate.best,
    delivered: service?.delivered ?? 0,
    failed: (service?.failed ?? 0) + link.unanswered,
    connections: service?.origins.size ?? 0,
  };
  return overlayScore(measured(values), {
    uptimeMs: BigInt(params['overlay.observe_ms']),
    bytesPerS: BigInt(params['overlay.observe_bytes_per_s']),
    connections: BigInt(params['overlay.observe_origins']),
  });
}

/** Looks at every peer that says it is a supernode; gives the links whose peers are no longer taken as such. */
export function observe(state: OverlayState, nowMs: MonoMs): readonly OverlayLink[] {
  const { params, serviceOf } = state.options;
  const lost: OverlayLink[] = [];
  for (const link of state.links.values()) {
    const service = serviceOf(link.link);
    link.rate.beat(service?.pushedBytes ?? 0, nowMs);
    if (link.role !== 'supernode') continue;
    const score = observedScore(state, link, nowMs);
    if (link.isTaken) {
      if (score >= params['overlay.revoke_min']) continue;
      link.isTaken = false;
      lost.push(link);
      continue;
    }
    const delivered = service?.delivered ?? 0;
    link.isTaken = score >= params['overlay.accept_min'] && delivered >= params['overlay.observe_messages'];
  }
  return lost;
}
