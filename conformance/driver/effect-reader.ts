/** Effects of a node under an adapter, turned into events of the trace and messages of the run. */
import { type Effect, VerdictKind } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { hex } from '../model/bytes.ts';
import type { Dials } from './dials.ts';
import { TargetError } from './errors.ts';
import type { PlanRun } from './plan-run.ts';

const VERDICT_NAMES: ReadonlyMap<VerdictKind, 'accept' | 'ignore' | 'reject'> = new Map([
  [VerdictKind.ACCEPT, 'accept'],
  [VerdictKind.IGNORE, 'ignore'],
  [VerdictKind.REJECT, 'reject'],
]);

/** Takes the effects of one run. */
export class EffectReader {
  readonly #run: PlanRun;
  readonly #dials: Dials;
  /** Tokens of the Validate effects, in their order. */
  readonly validations: bigint[] = [];
  /** Commands that were taken, by their place in the order of tokens. */
  readonly #commands: { readonly label: string; readonly command: string; hasOutcome: boolean }[] = [];

  constructor(run: PlanRun, dials: Dials) {
    this.#run = run;
    this.#dials = dials;
  }

  /** A command is about to be sent; returns its token. */
  addCommand(command: string, label: string): bigint {
    return BigInt(this.#commands.push({ label, command, hasOutcome: false }));
  }

  /** Takes an effect that happened at `atMs`. Throws `TargetError` for one that cannot be. */
  take(atMs: number, effect: Effect['effect']): void {
    const run = this.#run;
    const { recorder } = run;
    if (effect.case !== undefined && 'link' in effect.value && effect.case !== 'verdict' && !run.hasLink(effect.value.link)) {
      throw new TargetError('E_ADAPTER', `an effect (${effect.case}) names link ${effect.value.link}, which was never opened`);
    }
    switch (effect.case) {
      case 'dial': {
        const { dial, address } = effect.value;
        recorder.add(atMs, { type: 'dial', dial: Number(dial), address });
        this.#dials.add({ dial, address });
        break;
      }
      case 'close':
        run.close(effect.value.link, 'node', effect.value.code === '' ? undefined : effect.value.code, atMs);
        break;
      case 'message':
        run.receiveMessage(effect.value.link, effect.value.data, false, atMs);
        break;
      case 'frame':
        run.receivePlaintext(effect.value.link, effect.value.plaintext, atMs);
        break;
      case 'established':
        run.settleHandshake(effect.value.link, true);
        break;
      case 'deliver': {
        const { topic, id, origin, data } = effect.value;
        recorder.add(atMs, { type: 'deliver', topic, id: hex(id), origin: hex(origin), data: hex(data) });
        break;
      }
      case 'validate': {
        const { token, topic, id, origin } = effect.value;
        this.validations.push(token);
        recorder.add(atMs, { type: 'validate', token: Number(token), topic, id: hex(id), origin: hex(origin) });
        break;
      }
      case 'verdict': {
        const { link, envelopeHash, verdict: kind, code, clause } = effect.value;
        const verdict = VERDICT_NAMES.get(kind);
        if (verdict === undefined) throw new TargetError('E_ADAPTER', `a Verdict effect names verdict ${kind}`);
        recorder.add(atMs, { type: 'verdict', link, envelopeHash: hex(envelopeHash), verdict, code, clause });
        break;
      }
      case 'outcome': {
        const { token, error, values } = effect.value;
        const command = this.#commands[Number(token) - 1];
        if (command === undefined || command.hasOutcome) {
          throw new TargetError('E_ADAPTER', `an Outcome effect names token ${token}, which waits for none (CNF-011)`);
        }
        command.hasOutcome = true;
        recorder.add(atMs, { type: 'outcome', label: command.label, command: command.command, error, values: values.map(hex) });
        break;
      }
      case 'notice':
        recorder.add(atMs, { type: 'notice', notice: effect.value.notice, values: effect.value.values.map(hex) });
        break;
      case 'datagram':
        run.asides.receiveDatagram(effect.value.remoteAddress, effect.value.data, atMs);
        break;
      case 'resolve':
        recorder.add(atMs, { type: 'resolve', name: effect.value.name });
        break;
      case undefined:
        throw new TargetError('E_ADAPTER', 'the adapter reports an effect that the kit does not know');
    }
  }
}
