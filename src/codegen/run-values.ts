/**
 * C for a number that another run, boot or host does not share.
 *
 * @param name what it is: the same one again is the same number; without, it is one of its own
 */
export type ValueOf = (value: number | bigint, name?: string) => string;

/**
 * What XCAP_VALUE(i) stands for. Which i a number gets goes by what it is and never by how large: runs on
 * other hosts get the same C.
 */
export class RunValues {
  readonly #values: bigint[] = [];
  readonly #names = new Map<string, number>();

  get all(): readonly bigint[] {
    return this.#values;
  }

  readonly of: ValueOf = (value, name) => {
    const known = name === undefined ? undefined : this.#names.get(name);
    const index = known ?? this.#values.push(BigInt(value)) - 1;
    if (name !== undefined) this.#names.set(name, index);
    if (this.#values[index] !== BigInt(value)) throw new RangeError(`${name ?? ''} is two numbers`);
    return `XCAP_VALUE(${index})`;
  };
}
