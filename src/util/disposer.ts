/**
 * Disposes what was added in reverse order; Node 20 has Symbol.dispose but no DisposableStack.
 * What is added after disposal is disposed at once.
 */
export class Disposer implements Disposable {
  readonly #items: Disposable[] = [];
  #disposed = false;

  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item[Symbol.dispose]();
    else this.#items.push(item);
    return item;
  }

  /** Every item is disposed even when one throws; the first error is thrown at the end. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    const errors: unknown[] = [];
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) {
      try {
        item[Symbol.dispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
