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
    const order = this.#nextOrder;
    this.#nextOrder += 1;
    this.#size += 1;
    // The newest of equal times goes last, so it never passes a parent of its own time.
    let position = this.#size - 1;
    while (position > 0) {
      const parent = (position - 1) >> 2;
      if ((this.#times[parent] as number) <= time) break;
      this.#move(parent, position);
      position = parent;
    }
    this.#set(position, time, order, slot);
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
    if (this.#size > 0) this.#sink();
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

  /** Fills the hole at the top: the least child rises until the last event fits. */
  #sink(): void {
    const last = this.#size;
    const [time, order, slot] = [this.#times[last] as number, this.#orders[last] as number, this.#slots[last] as number];
    let hole = 0;
    for (;;) {
      const first = hole * CHILDREN + 1;
      if (first >= last) break;
      let least = first;
      const end = Math.min(first + CHILDREN, last);
      for (let child = first + 1; child < end; child++) {
        if (this.#isBefore(child, this.#times[least] as number, this.#orders[least] as number)) least = child;
      }
      if (!this.#isBefore(least, time, order)) break;
      this.#move(least, hole);
      hole = least;
    }
    this.#set(hole, time, order, slot);
  }

  #isBefore(position: number, time: number, order: number): boolean {
    const own = this.#times[position] as number;
    return own < time || (own === time && (this.#orders[position] as number) < order);
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
