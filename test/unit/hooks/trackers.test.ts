import { describe, expect, it } from 'vitest';
import { isLast, resolveTrackers, type Tracking } from '../../../src/hooks/trackers.ts';
import { openKernelView } from '../../../src/kernel/view.ts';
import { makeKernel, type MadeKernel } from '../../support/function-kernel.ts';
import { RECORDED_KERNELS, recordedKernel } from '../../support/kernels.ts';

const COPY = { name: '__copy_skb_header', params: ['skb', 'skb'] } as const;
const FREE = { name: 'kfree_skbmem', params: ['skb'] } as const;
const FRAGMENT = { name: 'ip_copy_metadata', params: ['skb', 'skb'] } as const;

const trackers = (kernel: MadeKernel): Tracking => resolveTrackers(makeKernel(kernel).view, false);
const named = ({ trackers: all }: Tracking): readonly string[] =>
  all.map(({ target, tracker }) => `${tracker?.does ?? ''} ${target}`);

describe('resolveTrackers()', () => {
  it('follows copies by the one function that makes all of them, and ends by that which frees', () => {
    const found = trackers({ functions: [COPY, FREE, FRAGMENT] });
    expect(named(found)).toEqual([
      'copy __copy_skb_header',
      'copy ip_copy_metadata',
      'end kfree_skbmem',
    ]);
    expect(found).toMatchObject({ byHead: false, notes: [] });
  });

  it('takes the two functions for clones and for copies where that one is inlined', () => {
    const two = ['__skb_clone', 'skb_copy_header'].map((name) => ({ ...COPY, name }));
    const inlined = { ...COPY, symbols: 0 };
    expect(named(trackers({ functions: [inlined, ...two, FREE, FRAGMENT] }))).toEqual([
      'copy __skb_clone',
      'copy skb_copy_header',
      'copy ip_copy_metadata',
      'end kfree_skbmem',
    ]);
    const one = trackers({ functions: [inlined, ...two.slice(1), FREE] });
    expect(one.byHead).toBe(true);
    expect(one.notes.join('\n')).toMatch(/clones are followed by the memory that they share/);
  });

  it('says that fragments are not followed where their function is inlined', () => {
    const { notes } = trackers({ functions: [COPY, FREE] });
    expect(notes).toEqual([expect.stringMatching(/^--track: IP fragments .* not followed$/)]);
  });

  it('hooks no function where it cannot see all that is freed', () => {
    expect(named(trackers({ functions: [COPY] }))).toEqual([]);
    const without = trackers({
      functions: [COPY, FREE],
      without: ['fentry', 'kprobe', 'kprobe-multi'],
    });
    expect(named(without)).toEqual([]);
    expect(without.byHead).toBe(true);
  });
});

describe.each(RECORDED_KERNELS)('on Linux %s without functions', (release) => {
  it('ends at the tracepoints of freed packets, last of all', () => {
    const view = openKernelView({
      ...{ reader: recordedKernel(release), arch: 'x64' },
      createProber: () => (id) => (id === 'tp-btf' ? 'yes' : 'no'),
    });
    const found = resolveTrackers(view, false);
    expect(named(found).slice(-2)).toEqual(['end kfree_skb', 'end consume_skb']);
    for (const { backend, arguments: of } of found.trackers) {
      expect(backend).toBe('tp-btf');
      expect(of.certain).toBe(true);
    }
  });
});

it('nothing begins where a packet is being freed', () => {
  expect(isLast({ target: 'kfree_skb' })).toBe(true);
  expect(isLast({ target: 'skb_release_data' })).toBe(true);
  expect(isLast({ target: 'netif_receive_skb' })).toBe(false);
});
