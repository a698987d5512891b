/** Reading of JSON that somebody else may have written: nothing missing, nothing more, nothing too large. */

/** Says where a value is not what it has to be. */
export class ShapeError extends Error {}

/** Gives the value typed. @param at where it is, as `insns[3]` @throws ShapeError */
export type Shape<T> = (value: unknown, at: string) => T;

export function text(maxLength: number, form?: RegExp): Shape<string> {
  return (value, at) => {
    if (typeof value !== 'string') throw new ShapeError(`${at}: no text`);
    if (value.length > maxLength) throw new ShapeError(`${at}: longer than ${maxLength}`);
    if (form !== undefined && !form.test(value)) throw new ShapeError(`${at}: not of its form`);
    return value;
  };
}

export function integer(min: number, max: number): Shape<number> {
  return (value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new ShapeError(`${at}: no number from ${min} to ${max}`);
    }
    return value;
  };
}

export const truth: Shape<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw new ShapeError(`${at}: neither true nor false`);
  return value;
};

export function oneOf<const T extends string>(choices: readonly T[]): Shape<T> {
  return (value, at) => {
    const choice = choices.find((each) => each === value);
    if (choice === undefined) throw new ShapeError(`${at}: none of ${choices.join(', ')}`);
    return choice;
  };
}

export function list<T>(of: Shape<T>, maxLength: number): Shape<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new ShapeError(`${at}: no list`);
    if (value.length > maxLength) throw new ShapeError(`${at}: more than ${maxLength}`);
    return value.map((each: unknown, i) => of(each, `${at}[${i}]`));
  };
}

/** Either there and of the shape, or not there. */
export function optional<T>(of: Shape<T>): Shape<T | undefined> {
  return (value, at) => (value === undefined ? undefined : of(value, at));
}

/** Exactly these members. */
export function record<T extends object>(members: {
  readonly [K in keyof T]-?: Shape<T[K]>;
}): Shape<T> {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ShapeError(`${at}: no object`);
    }
    const stranger = Object.keys(value).find((name) => !Object.hasOwn(members, name));
    if (stranger !== undefined) throw new ShapeError(`${at}.${stranger}: not known`);
    const found: Record<string, unknown> = {};
    for (const [name, shape] of Object.entries<Shape<unknown>>(members)) {
      found[name] = shape((value as Record<string, unknown>)[name], `${at}.${name}`);
    }
    return found as T;
  };
}

/** The first of two that fits. */
export function either<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return (value, at) => {
    try {
      return first(value, at);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      return second(value, at);
    }
  };
}
