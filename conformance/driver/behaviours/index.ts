/** All automatic peers by name. Each noun's file adds its line to `BEHAVIOURS`. */
import { HarnessError } from '../errors.ts';
import type { Json } from '../plan.ts';
import type { Behaviour, BehaviourKit, BehaviourMaker } from './behaviour.ts';
import { dhtBehaviours } from './dht.ts';
import { plainBehaviours } from './plain.ts';
import { reconciliationBehaviours } from './reconciliation.ts';

const BEHAVIOURS: Readonly<Record<string, BehaviourMaker>> = {
  ...plainBehaviours,
  ...dhtBehaviours,
  ...reconciliationBehaviours,
};

/** An automatic peer of that name. Throws `HarnessError` for a name that nobody gave, or settings that mean nothing. */
export function makeBehaviour(name: string, settings: Json | undefined, kit: BehaviourKit): Behaviour {
  const maker = Object.hasOwn(BEHAVIOURS, name) ? BEHAVIOURS[name] : undefined;
  if (maker === undefined) throw new HarnessError(`no behaviour is called "${name}"; there are ${Object.keys(BEHAVIOURS).join(', ')}`);
  return maker(settings, kit);
}
