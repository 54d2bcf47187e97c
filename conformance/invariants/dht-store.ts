/** What the node keeps for others: codes of writes, and what it gives back (DHT-044, DHT-045, DHT-047, DHT-050 to DHT-069). */

import { ErrorCode } from '../../proto/gen/carillon/v1/common_pb.ts';
import { bigIn, envelopesIn, messagesIn, textIn, textsIn } from '../driver/seen.ts';
import type { SeenFields } from '../driver/trace.ts';
import { hex, sha256, unhex, utf8 } from '../model/bytes.ts';
import { judgeProvider, judgeValue, keepValue } from '../model/dht-values.ts';
import type { Finding } from '../runner/check.ts';
import { answerable } from './dht-answers.ts';
import { contactsIn, type DhtRule, type DhtView, type Exchange, envelopeBytes, ipOf, short } from './dht-view.ts';

interface HeldRecord {
  readonly key: string;
  readonly signer: string;
  readonly bytes: string;
  readonly createdMs: bigint;
  readonly overWallMs: bigint;
  readonly host: string;
}

interface HeldValue {
  readonly key: string;
  readonly namespace: string;
  contents: readonly { readonly bytes: string; overMs: number; readonly host: string }[];
}

/** The store as the clauses make it, write by write. */
class ModelStore {
  readonly #view: DhtView;
  readonly #networkId: Uint8Array;
  records: HeldRecord[] = [];
  values: HeldValue[] = [];

  constructor(view: DhtView) {
    this.#view = view;
    this.#networkId = utf8(view.trace.networkId);
  }

  wallAt(atMs: number): bigint {
    return BigInt(this.#view.trace.wallStartMs) + BigInt(Math.floor(atMs));
  }

  expire(atMs: number): void {
    this.records = this.records.filter(({ overWallMs }) => overWallMs > this.wallAt(atMs));
    for (const value of this.values) value.contents = value.contents.filter(({ overMs }) => overMs > atMs);
    this.values = this.values.filter(({ contents }) => contents.length > 0);
  }

  #hasRoom(host: string, key: string): boolean {
    const hosts = [...this.records.map((record) => record.host), ...this.values.flatMap(({ contents }) => contents.map((one) => one.host))];
    const subnet = (text: string): string => text.split('.').slice(0, 3).join('.');
    const here = hosts.filter((other) => subnet(other) === subnet(host)).length;
    if (here >= this.#view.number('dht.stored_per_subnet_max')) return false;
    return hosts.length < this.#view.number('dht.stored_max') || this.#makesRoom(key);
  }

  /** When all is full, what is farthest from the node goes for what is nearer. Plans keep one entry for each key then. */
  #makesRoom(key: string): boolean {
    const own = BigInt(`0x${this.#view.trace.nodePeerId}`);
    const distance = (other: string): bigint => BigInt(`0x${other}`) ^ own;
    const keys = [...this.records.map((record) => record.key), ...this.values.map((value) => value.key)];
    const farthest = keys.toSorted((a, b) => (distance(a) > distance(b) ? -1 : 1))[0];
    if (farthest === undefined || distance(key) >= distance(farthest)) return false;
    this.records = this.records.filter((record) => record.key !== farthest);
    this.values = this.values.filter((value) => value.key !== farthest);
    return true;
  }

  /** The clause and code with which the write is refused, or undefined. */
  write(exchange: Exchange): { readonly error: string; readonly clause: string } | undefined {
    this.expire(exchange.atMs);
    return exchange.message === 'AddProvider' ? this.#addProvider(exchange) : this.#putValue(exchange);
  }

  #addProvider({ fields, peerId, host, atMs, link }: Exchange): { readonly error: string; readonly clause: string } | undefined {
    const bytes = envelopeBytes(fields, 'provider');
    const ip = ipOf(host);
    const sender = link === undefined ? { host: ip ?? new Uint8Array() } : { peerId: unhex(peerId ?? '') };
    const judged = judgeProvider(this.#networkId, this.#view.policy, this.wallAt(atMs), sender, unhex(bytes));
    if ('error' in judged) return judged;
    const [key, signer] = [hex(judged.key), hex(judged.signer)];
    const before = this.records.find((record) => record.key === key && record.signer === signer);
    if (before !== undefined && judged.createdMs < before.createdMs) return { error: 'E_DHT_SEQUENCE', clause: 'DHT-056' };
    const ofKey = this.records.filter((record) => record.key === key).length;
    const isFull = before === undefined && (ofKey >= this.#view.number('dht.stored_per_key_max') || !this.#hasRoom(host, key));
    if (isFull) return { error: 'E_DHT_QUOTA', clause: 'DHT-057' };
    this.records = this.records.filter((record) => record !== before);
    this.records.push({
      key,
      signer,
      bytes,
      createdMs: judged.createdMs,
      overWallMs: judged.createdMs + judged.ttlMs,
      host: before?.host ?? host,
    });
    return undefined;
  }

  #putValue({ fields, host, atMs }: Exchange): { readonly error: string; readonly clause: string } | undefined {
    const [namespace, content] = [textIn(fields, 'namespace'), textIn(fields, 'content')];
    const read = judgeValue(this.#networkId, namespace, unhex(content));
    if ('error' in read) return read;
    const ttlMs = bigIn(fields, 'ttlMs');
    if (ttlMs === 0n) return { error: 'E_DHT_TTL', clause: 'DHT-066' };
    const key = hex(read.key);
    const held = this.values.find((value) => value.key === key);
    const stored = held?.contents ?? [];
    const kept = keepValue(
      this.#networkId,
      namespace,
      bigIn(fields, 'expectedNext'),
      stored.map(({ bytes }) => unhex(bytes)),
      unhex(content),
    );
    if ('error' in kept) return kept;
    const same = stored.find(({ bytes }) => bytes === content);
    if (kept.length > stored.length && !this.#hasRoom(host, key)) return { error: 'E_DHT_QUOTA', clause: 'DHT-057' };
    const lasts = Math.min(Number(ttlMs), this.#view.number('dht.ttl_ms_max'));
    const coming = { bytes: content, overMs: Math.max(atMs + lasts, same?.overMs ?? 0), host: same?.host ?? host };
    const contents = kept.map((one) => (hex(one) === content ? coming : (stored.find(({ bytes }) => bytes === hex(one)) ?? coming)));
    this.values = [...this.values.filter((value) => value !== held), { key, namespace, contents }];
    return undefined;
  }
}

/** Numbers of codes by name. */
const NUMBERS: Readonly<Record<string, number>> = ErrorCode as unknown as Readonly<Record<string, number>>;

function nameOf(code: number): string {
  return Object.entries(NUMBERS).find(([, number]) => number === code)?.[0] ?? String(code);
}

/** Every write gets the code of the first clause that applies, and what is held is given back, and nothing else. */
export const keepsAsItShould: DhtRule = {
  clauses: [
    'DHT-044',
    'DHT-045',
    'DHT-047',
    'DHT-050',
    'DHT-051',
    'DHT-052',
    'DHT-053',
    'DHT-054',
    'DHT-055',
    'DHT-056',
    'DHT-057',
    'DHT-060',
    'DHT-062',
    'DHT-063',
    'DHT-064',
    'DHT-065',
    'DHT-066',
    'DHT-067',
    'DHT-068',
    'DHT-069',
  ],
  judge(view) {
    const store = new ModelStore(view);
    const findings: Finding[] = [];
    let exercised = false;
    const gone = new Set<string>();
    for (const exchange of view.exchanges) {
      if (exchange.by !== 'kit' || (!answerable(view, exchange) && exchange.answer === undefined)) continue;
      const isWrite = exchange.message === 'AddProvider' || exchange.message === 'PutValue';
      if (!isWrite && exchange.message !== 'GetProviders' && exchange.message !== 'GetValue') continue;
      exercised = true;
      const { answer } = exchange;
      const at = answer?.event ?? exchange.event;
      const before = [
        ...store.records.map(({ bytes }) => bytes),
        ...store.values.flatMap(({ contents }) => contents.map(({ bytes }) => bytes)),
      ];
      const refused = isWrite ? store.write(exchange) : undefined;
      store.expire(exchange.atMs);
      const after = new Set([
        ...store.records.map(({ bytes }) => bytes),
        ...store.values.flatMap(({ contents }) => contents.map(({ bytes }) => bytes)),
      ]);
      for (const bytes of before) if (!after.has(bytes)) gone.add(bytes);
      for (const bytes of after) gone.delete(bytes);
      if (isWrite) {
        const code = answer?.fields === undefined ? undefined : Number(bigIn(answer.fields, 'code'));
        const expected = refused === undefined ? 0 : NUMBERS[refused.error];
        if (code === expected) continue;
        const taken = exchange.message === 'AddProvider' ? 'DHT-050' : 'DHT-060';
        const clauses = refused === undefined ? [taken] : refused.clause === 'DHT-057' ? ['DHT-057', 'DHT-069'] : [refused.clause];
        const observed = code === undefined ? 'no answer' : `code ${nameOf(code)}`;
        for (const clause of clauses)
          findings.push({ clause, expected: refused === undefined ? 'code 0' : `code ${refused.error}`, observed, at });
        continue;
      }
      if (answer?.fields === undefined) {
        const clause = exchange.message === 'GetProviders' ? 'DHT-044' : 'DHT-045';
        findings.push({ clause, expected: 'an answer', observed: answer === undefined ? 'none came' : 'one that cannot be read', at });
        continue;
      }
      if (exchange.message === 'GetProviders') judgeProviders(store, exchange, gone, findings);
      else judgeValues(store, exchange, gone, findings);
      // Who was named contacts before is named contacts again where there is nothing else to give.
      const isEmpty = contactsIn(answer).length + givenProviders(answer.fields).length + messagesIn(answer.fields, 'values').length === 0;
      const wasNamed = view.exchanges.some(
        (other) =>
          other.message === 'FindNode' &&
          other.link === exchange.link &&
          other.event < exchange.event &&
          exchange.atMs - other.atMs <= 500 &&
          other.answer !== undefined &&
          contactsIn(other.answer).length > 0,
      );
      if (isEmpty && wasNamed) {
        const clause = exchange.message === 'GetProviders' ? 'DHT-044' : 'DHT-045';
        findings.push({ clause, expected: 'contacts, as a FindNode is answered', observed: 'nothing', at });
      }
    }
    return { findings, exercised };
  },
};

function judgeProviders(store: ModelStore, { fields, answer }: Exchange, gone: ReadonlySet<string>, findings: Finding[]): void {
  if (answer?.fields === undefined) return;
  const at = answer.event;
  const held = store.records.filter(({ key }) => key === textIn(fields, 'key'));
  const given = givenProviders(answer.fields);
  for (const bytes of given) {
    if (held.some((record) => record.bytes === bytes)) continue;
    const clause = gone.has(bytes) ? 'DHT-047' : 'DHT-044';
    findings.push({ clause, expected: 'records that are held for the key', observed: 'another, or one that is over', at });
  }
  const count = Math.min(held.length, 5);
  const isCut = given.length > 0 && answer.size + 420 > 1_100;
  if (given.length < count && !isCut) findings.push({ clause: 'DHT-044', expected: `${count} records`, observed: `${given.length}`, at });
  if (held.length > 0 && contactsIn(answer).length > 0)
    findings.push({ clause: 'DHT-044', expected: 'records and no contacts', observed: 'both', at });
}

/** So many replies of five among seven that are all alike are no chance. */
const ALIKE_MAX = 10;

/** Of more records than fit, replies give others each time (DHT-044). */
export const choosesByChance: DhtRule = {
  clauses: ['DHT-044'],
  judge(view) {
    const replies = view.exchanges.flatMap(({ by, message, fields, answer }) =>
      by === 'kit' && message === 'GetProviders' && answer?.fields !== undefined
        ? [{ key: textIn(fields, 'key'), given: givenProviders(answer.fields), event: answer.event }]
        : [],
    );
    const kept = view.exchanges.filter(({ by, message, answer }) => by === 'kit' && message === 'AddProvider' && answer !== undefined);
    const written = new Set(kept.map(({ fields }) => envelopeBytes(fields, 'provider'))).size;
    const findings = [...new Set(replies.map(({ key }) => key))].flatMap((key): readonly Finding[] => {
      const ofKey = replies.filter((reply) => reply.key === key && reply.given.length > 0);
      const sets = new Set(ofKey.map(({ given }) => [...given].sort().join()));
      const [first] = ofKey;
      if (first === undefined || ofKey.length <= ALIKE_MAX || sets.size > 1 || written <= first.given.length) return [];
      const observed = `the same ${first.given.length} in ${ofKey.length} replies`;
      return [{ clause: 'DHT-044', expected: `some by chance of ${written}`, observed, at: first.event }];
    });
    return { findings, exercised: replies.length > ALIKE_MAX };
  },
};

/** The envelopes of a GetProvidersReply. */
export function givenProviders(fields: SeenFields): readonly string[] {
  return envelopesIn(fields, 'providers').map(({ bytes }) => bytes);
}

function judgeValues(store: ModelStore, { fields, answer }: Exchange, gone: ReadonlySet<string>, findings: Finding[]): void {
  if (answer?.fields === undefined) return;
  const at = answer.event;
  const have = textsIn(fields, 'have');
  const held = store.values.find(({ key }) => key === textIn(fields, 'key'));
  const wanted = (held?.contents ?? []).filter(({ bytes }) => !have.includes(hex(sha256(unhex(bytes)))));
  const given = messagesIn(answer.fields, 'values').map((value) => textIn(value, 'content'));
  for (const bytes of given) {
    if (wanted.some((one) => one.bytes === bytes)) continue;
    const clause = gone.has(bytes) ? 'DHT-047' : 'DHT-045';
    findings.push({ clause, expected: 'what is held for the key and not known', observed: 'something else, or what is over', at });
  }
  const [winner] = wanted;
  if (winner !== undefined && given[0] !== winner.bytes)
    findings.push({
      // Where nothing else is held, it is the value that is gone, not its place.
      clause: given.length === 0 ? 'DHT-060' : 'DHT-045',
      expected: `the content ${short(winner.bytes)} first`,
      observed: given.length === 0 ? 'none' : 'another',
      at,
    });
  const size = wanted.reduce((sum, { bytes }) => sum + bytes.length / 2 + 40, 0);
  if (given.length < wanted.length && size <= 1_100) {
    const clauses = held?.namespace.startsWith('app/') ? ['DHT-045', 'DHT-068'] : ['DHT-045'];
    for (const clause of clauses) findings.push({ clause, expected: `${wanted.length} contents`, observed: `${given.length}`, at });
  }
}
