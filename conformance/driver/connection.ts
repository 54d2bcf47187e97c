/** Requests and responses over a channel, strictly matched. Spec: CNF-001. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Request, RequestSchema, type Response, ResponseSchema } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { type Channel, type ChannelEvents, frameMessage } from './channel.ts';
import { messageOf, TargetError } from './errors.ts';

/** One request, without its id. */
export type RequestOp = Exclude<Request['op'], { case: undefined }>;
/** One answer, without its id. */
export type ResponseResult = Exclude<Response['result'], { case: undefined }>;

/** How long an adapter may take to answer when the caller gives no other limit. */
export const REQUEST_LIMIT_MS = 20_000;

interface Waiting {
  readonly id: bigint;
  /** Undefined for a request that the kit's proto files do not know. */
  readonly asked: RequestOp['case'] | undefined;
  readonly timer: NodeJS.Timeout;
  resolve(result: ResponseResult): void;
  reject(error: TargetError): void;
}

/** What the channel's owner knows about the end of the other side, for example an exit code. */
export type DescribeEnd = () => Promise<string | undefined>;

/** Makes a channel that reports to the given events. */
export type ChannelMaker = (events: ChannelEvents) => Channel | Promise<Channel>;

/**
 * A connection to an adapter. After the first fault every request is rejected with that fault's
 * `TargetError`; open another connection to go on.
 */
export class Connection {
  #channel: Channel | undefined;
  readonly #describeEnd: DescribeEnd;
  readonly #waiting: Waiting[] = [];
  #nextId = 1n;
  #fault: TargetError | undefined;
  /** Set while the reason of an end is being asked for. */
  #ending: Promise<void> | undefined;

  private constructor(describeEnd: DescribeEnd) {
    this.#describeEnd = describeEnd;
  }

  /** Opens a connection over the channel that `make` gives. Rejects with what `make` rejects with. */
  static async open(make: ChannelMaker, describeEnd: DescribeEnd = async () => undefined): Promise<Connection> {
    const connection = new Connection(describeEnd);
    connection.#channel = await make({
      onMessage: (message) => connection.#take(message),
      onEnd: (fault) => connection.#end(fault),
    });
    return connection;
  }

  /** The fault that ended this connection, if one did. */
  get fault(): TargetError | undefined {
    return this.#fault;
  }

  get kind(): Channel['kind'] {
    return this.#opened().kind;
  }

  /** Sends a request and returns its answer; rejects with `TargetError` when there is none in order and in time. */
  async request(op: RequestOp, limitMs: number = REQUEST_LIMIT_MS): Promise<ResponseResult> {
    await this.#usable();
    const id = this.#nextId++;
    const answer = this.#expect(id, op.case, limitMs);
    this.#opened().send(encodeRequest(id, op));
    return answer;
  }

  /**
   * Sends several requests at once with ids of the caller's choice, cut into packets of `packetBytes`
   * (all in one if absent), and returns the answers in order. For judging an adapter's framing;
   * streams only. `op` undefined stands for a request that nobody knows.
   */
  async requestTogether(
    requests: readonly { readonly id: bigint; readonly op: RequestOp | undefined }[],
    packetBytes?: number,
    limitMs: number = REQUEST_LIMIT_MS,
  ): Promise<readonly ResponseResult[]> {
    await this.#usable();
    const answers = Promise.all(requests.map(({ id, op }) => this.#expect(id, op?.case, limitMs)));
    answers.catch(() => undefined); // reported below, after the last packet
    const framed = requests.map(({ id, op }) => frameMessage(op === undefined ? unknownRequest(id) : encodeRequest(id, op)));
    const stream = Buffer.concat(framed);
    for (let offset = 0; offset < stream.length; offset += packetBytes ?? stream.length) {
      this.#opened().sendBytes(stream.subarray(offset, offset + (packetBytes ?? stream.length)));
      // Without a pause the kernel would join the packets again.
      if (packetBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
    }
    return answers;
  }

  /** Sends a request that is not in the proto files. */
  async requestUnknown(limitMs: number = REQUEST_LIMIT_MS): Promise<ResponseResult> {
    await this.#usable();
    const id = this.#nextId++;
    const answer = this.#expect(id, undefined, limitMs);
    this.#opened().send(unknownRequest(id));
    return answer;
  }

  /** Ends the connection; requests that wait are rejected. */
  close(): void {
    this.#channel?.close();
    this.#fail(new TargetError('E_UNREACHABLE', 'the kit has closed the connection'));
  }

  #opened(): Channel {
    if (this.#channel === undefined) throw new TargetError('E_UNREACHABLE', 'the connection is not open yet');
    return this.#channel;
  }

  async #usable(): Promise<void> {
    await this.#ending;
    if (this.#fault !== undefined) throw this.#fault;
  }

  #expect(id: bigint, asked: Waiting['asked'], limitMs: number): Promise<ResponseResult> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#channel?.close();
        this.#fail(
          new TargetError('E_CRASHED', `the adapter did not answer ${asked ?? 'an unknown request'} within ${limitMs} ms: it hangs`),
        );
      }, limitMs);
      this.#waiting.push({ id, asked, timer, resolve, reject });
    });
  }

  #take(message: Uint8Array): void {
    let response: Response;
    try {
      response = fromBinary(ResponseSchema, message);
    } catch (error) {
      this.#broken(`sent ${message.length} bytes that are no Response: ${messageOf(error)}`);
      return;
    }
    const waiting = this.#waiting[0];
    const fault = faultOf(response, waiting);
    if (waiting === undefined || fault !== undefined || response.result.case === undefined) {
      this.#broken(fault ?? 'answered without a result');
      return;
    }
    this.#waiting.shift();
    clearTimeout(waiting.timer);
    waiting.resolve(response.result);
  }

  #broken(what: string): void {
    this.#channel?.close();
    this.#fail(new TargetError('E_ADAPTER', `the adapter ${what}`));
  }

  #end(fault: string | undefined): void {
    this.#ending = (async () => {
      const end = await this.#describeEnd();
      const asked = this.#waiting[0]?.asked;
      const during = asked === undefined ? '' : ` while ${asked} waited for its answer`;
      if (end !== undefined) this.#fail(new TargetError('E_CRASHED', `the adapter's process ended${during}: ${end}`));
      else if (fault !== undefined) this.#fail(new TargetError('E_ADAPTER', `the adapter ${fault}`));
      else this.#fail(new TargetError('E_CRASHED', `the adapter closed the connection${during}`));
    })();
  }

  #fail(error: TargetError): void {
    this.#fault ??= error;
    for (const waiting of this.#waiting.splice(0)) {
      clearTimeout(waiting.timer);
      waiting.reject(this.#fault);
    }
  }
}

/** What is wrong with a response as the answer to the oldest waiting request, or undefined. */
function faultOf({ id, result }: Response, waiting: Waiting | undefined): string | undefined {
  if (waiting === undefined) return `sent a response (id ${id}) that nobody asked for`;
  if (id !== waiting.id) return `answered id ${id} where id ${waiting.id} was next (CNF-001)`;
  const asked = waiting.asked ?? 'an unknown request';
  if (result.case === undefined) return `answered ${asked} without a result`;
  return fits(waiting.asked, result.case) ? undefined : `answered ${asked} with ${result.case}`;
}

/** `unsupported` and `refused` answer anything but a request that the adapter cannot know: that one is unsupported. */
function fits(asked: Waiting['asked'], result: ResponseResult['case']): boolean {
  if (result === 'unsupported' || result === 'refused') return true;
  if (asked === 'hello' || asked === 'evaluate' || asked === 'query') return result === asked;
  return asked !== undefined && result === 'step';
}

function encodeRequest(id: bigint, op: RequestOp): Uint8Array {
  return toBinary(RequestSchema, create(RequestSchema, { id, op }));
}

/** A request whose operation is field 1000, which no version of the proto file uses. */
function unknownRequest(id: bigint): Uint8Array {
  const known = toBinary(RequestSchema, create(RequestSchema, { id }));
  return Uint8Array.of(...known, 0xc2, 0x3e, 0x00);
}
