/** What the node is in the hierarchy: leaf, candidate, supernode. Spec: OVL-010 to OVL-019 */
import type { LinkId, MonoMs } from '../types.ts';
import { KIND_ROLE } from '../wire/frame.ts';
import { encodeRole, type RoleName } from '../wire/overlay-body.ts';
import { detachAll } from './attachment.ts';
import { releaseLeaves } from './leaves.ts';
import { measured, overlayScore } from './score.ts';
import { type OverlayState, overlayLinks } from './state.ts';

/** What the node measures of itself at a beat. */
interface OwnStanding {
  readonly score: number;
  readonly isFit: boolean;
  readonly isUnfit: boolean;
}

/** Adds what the beat brought to the windows. */
export function measureSelf(state: OverlayState, nowMs: MonoMs): void {
  const { carriedBytes, answered, missed } = state.options.ownService();
  const rate = state.ownRate.beat(carriedBytes, nowMs);
  const delivered = answered - state.lastAnswered + state.routed;
  state.own.add({ rate, delivered, failed: missed - state.lastMissed }, nowMs);
  state.lastAnswered = answered;
  state.lastMissed = missed;
  state.routed = 0;
}

/** How the node stands by its own measures. */
export function ownStanding(state: OverlayState, nowMs: MonoMs): OwnStanding {
  const { params } = state.options;
  const [uptimeMin, rateMin, connectionsMin] = [
    params['overlay.uptime_ms_min'],
    params['overlay.bytes_per_s_min'],
    params['overlay.connections_min'],
  ];
  const uptimeMs = state.startMs === undefined ? 0 : nowMs - state.startMs;
  const { bestRate, delivered, failed } = state.own.sum(nowMs);
  const connections = state.links.size;
  const score = overlayScore(measured({ uptimeMs, bytesPerS: bestRate, delivered, failed, connections }), {
    uptimeMs: BigInt(uptimeMin),
    bytesPerS: BigInt(rateMin),
    connections: BigInt(connectionsMin),
  });
  const hasAll = uptimeMs >= uptimeMin && bestRate >= rateMin && connections >= connectionsMin;
  return {
    score,
    isFit: hasAll && score >= params['overlay.promote_min'],
    isUnfit: score < params['overlay.demote_min'] || 2 * connections < connectionsMin,
  };
}

/** Moves the role on; called at each beat of strategy `supernode`. */
export function reviewRole(state: OverlayState, nowMs: MonoMs): void {
  const { isFit, isUnfit } = ownStanding(state, nowMs);
  const candidateMs = state.options.params['overlay.candidate_ms'];
  switch (state.role) {
    case 'leaf':
      if (!isFit) return;
      state.candidateSinceMs = nowMs;
      state.promoteAtMs = undefined;
      takeRole(state, 'candidate');
      return;
    case 'candidate':
      if (!isFit) {
        takeRole(state, 'leaf');
        return;
      }
      if (!isNeeded(state, nowMs)) {
        state.promoteAtMs = undefined;
        return;
      }
      // Chance keeps all candidates of a network from moving up at once.
      state.promoteAtMs ??= Math.max(nowMs, state.candidateSinceMs) + candidateMs + state.chance.below(candidateMs + 1);
      if (nowMs < state.promoteAtMs) return;
      state.unfitSinceMs = undefined;
      detachAll(state);
      takeRole(state, 'supernode');
      return;
    case 'supernode':
      if (!isUnfit) {
        state.unfitSinceMs = undefined;
        return;
      }
      state.unfitSinceMs ??= nowMs;
      if (nowMs - state.unfitSinceMs < candidateMs) return;
      releaseLeaves(state);
      takeRole(state, 'leaf');
      return;
    case 'none':
      return;
  }
}

/** Whether others lack supernodes, as far as the node can tell. */
function isNeeded(state: OverlayState, nowMs: MonoMs): boolean {
  const { params } = state.options;
  const attached = [...state.attachments.values()].filter(({ ask }) => ask === undefined).length;
  if (attached < params['overlay.supernodes_per_leaf']) return true;
  return state.refusedAtMs !== undefined && nowMs - state.refusedAtMs <= params['overlay.candidate_ms'];
}

/** Takes a role and says so on every overlay session. Spec: OVL-011 */
export function takeRole(state: OverlayState, role: RoleName): void {
  if (state.role === role) return;
  state.role = role;
  for (const { link } of overlayLinks(state)) sayRole(state, link);
  state.effects.push({ type: 'notice', notice: { type: 'overlay.role', role } });
}

/** Spec: OVL-010 */
export function sayRole(state: OverlayState, link: LinkId): void {
  state.effects.push({ type: 'sendFrame', link, kind: KIND_ROLE, body: encodeRole({ role: state.role }) });
}
