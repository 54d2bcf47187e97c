/**
 * A priority queue for discrete events: a heap with four children a node over typed arrays, ordered
 * by (time, order of pushing), so that equal times come out as they went in.
 */

const CHILDREN = 4;
const CAPACITY_MIN = 64;

/** Events by time. */
export class EventHeap<T> {
  #times = new Float64Array(CAPACITY_MIN);
  #orders = new Float64Array(CAPACITY_MIN);
  /** Where in `#items` the event of a heap position is. */
  #slots = new Uint32Array(CAPACITY_MIN);
  readonly #items: (T | undefined)[] = [];
  readonly #free: number[] = [];
  #size = 0;
  #nextOrder = 0;

  get size(): number {
    return this.#size;
  }

  /** The time of the next event, or undefined when there is none. */
  get nextTime(): number | undefined {
    return this.#size === 0 ? undefined : this.#times[0];
  }

  push(time: number, item: T): void {
    if (this.#size === this.#times.length) this.#grow();
    const slot = this.#free.pop() ?? this.#items.length;
    this.#items[slot] = item;
    const position = this.#size;
    this.#size += 1;
    this.#set(position, time, this.#nextOrder, slot);
    this.#nextOrder += 1;
    this.#rise(position);
  }

  /** Takes the next event out, or returns undefined when there is none. */
  pop(): { readonly time: number; readonly item: T } | undefined {
    if (this.#size === 0) return undefined;
    const time = this.#times[0] as number;
    const slot = this.#slots[0] as number;
    const item = this.#items[slot] as T;
    this.#items[slot] = undefined;
    this.#free.push(slot);
    this.#size -= 1;
    if (this.#size > 0) {
      this.#move(this.#size, 0);
      this.#sink(0);
    }
    return { time, item };
  }

  #set(position: number, time: number, order: number, slot: number): void {
    this.#times[position] = time;
    this.#orders[position] = order;
    this.#slots[position] = slot;
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from] as number, this.#orders[from] as number, this.#slots[from] as number);
  }

  #swap(a: number, b: number): void {
    const [time, order, slot] = [this.#times[a] as number, this.#orders[a] as number, this.#slots[a] as number];
    this.#move(b, a);
    this.#set(b, time, order, slot);
  }

  #isBefore(a: number, b: number): boolean {
    const [timeA, timeB] = [this.#times[a] as number, this.#times[b] as number];
    return timeA < timeB || (timeA === timeB && (this.#orders[a] as number) < (this.#orders[b] as number));
  }

  #rise(start: number): void {
    let position = start;
    while (position > 0) {
      const parent = Math.floor((position - 1) / CHILDREN);
      if (!this.#isBefore(position, parent)) return;
      this.#swap(position, parent);
      position = parent;
    }
  }

  #sink(start: number): void {
    let position = start;
    for (;;) {
      const first = position * CHILDREN + 1;
      let least = position;
      for (let child = first; child < Math.min(first + CHILDREN, this.#size); child++) {
        if (this.#isBefore(child, least)) least = child;
      }
      if (least === position) return;
      this.#swap(position, least);
      position = least;
    }
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    const times = new Float64Array(capacity);
    const orders = new Float64Array(capacity);
    const slots = new Uint32Array(capacity);
    times.set(this.#times);
    orders.set(this.#orders);
    slots.set(this.#slots);
    this.#times = times;
    this.#orders = orders;
    this.#slots = slots;
  }
}
