/** What turns an event's `stack` into the names of functions. */
export interface Stacks {
  /** Innermost first, without xcap's own; undefined where there is none. @param stack of EventView */
  of(stack: number): readonly string[] | undefined;
  /** Told of each event's. */
  count(stack: number): void;
}
