import { describe, expect, it } from 'vitest';
import { attachStep } from '../../../src/capture/attach-step.ts';

interface Told {
  readonly said: string[];
  /** Whether each step may be done. */
  readonly goOn: boolean[];
}

/**
 * @param times of the steps, ms
 * @param onStep before each
 */
async function steps(
  times: readonly number[],
  tells = true,
  onStep?: (step: number, abort: () => void) => void,
): Promise<Told> {
  let time = 0;
  const said: string[] = [];
  const goOn: boolean[] = [];
  const aborter = new AbortController();
  const log = { note: (text: string) => void said.push(text), text: () => undefined };
  const step = attachStep({ log, abort: aborter.signal }, tells, () => time);
  for (const [i, at] of times.entries()) {
    time = at;
    onStep?.(i, () => {
      aborter.abort();
    });
    goOn.push(await step(i, times.length));
  }
  return { said, goOn };
}

describe('attachStep()', () => {
  it('tells how far it is once a second', async () => {
    expect(await steps([10, 900, 1100, 1200, 2300])).toEqual({
      said: ['attaching: 40 %', 'attaching: 80 %'],
      goOn: [true, true, true, true, true],
    });
  });

  it.each<[string, readonly number[], boolean]>([
    ['all goes quickly', [10, 100, 200, 900], true],
    ['there is one hook', [10, 5000], true],
    ['standard error has a form of its own', [10, 2000, 4000, 6000], false],
  ])('says nothing where %s', async (_where, times, tells) => {
    expect((await steps(times, tells)).said).toEqual([]);
  });

  it('lets a signal in between steps, now and then, and ends', async () => {
    const { goOn } = await steps([10, 40, 60, 70], true, (i, abort) => {
      if (i === 1) setImmediate(abort);
    });
    expect(goOn).toEqual([true, true, false, false]);
  });
});
