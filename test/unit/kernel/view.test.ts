import { describe, expect, test } from 'vitest';
import { UnsupportedError } from '../../../src/errors.ts';
import { type KernelView, openKernelView } from '../../../src/kernel/view.ts';
import { MapReader, recordedKernel } from '../../support/kernels.ts';

const open = (reader: MapReader): KernelView =>
  openKernelView({
    reader,
    arch: 'x64',
    createProber: (btf) => (id) => (id === 'btf' && btf.endId > 1 ? 'yes' : 'no'),
    withoutFeatures: ['ringbuf'],
  });

describe('openKernelView()', () => {
  test('shows a recorded kernel as a running one', () => {
    const view = open(recordedKernel('7.2'));
    expect(view.release).toBe('7.2.13+deb14-cloud-amd64');
    expect(view.btf.struct('sk_buff')?.sizeBytes).toBe(232);
    expect(view.modules.names()).toEqual(['openvswitch']);
    expect(view.reasons.name(12)).toBe('NETFILTER_DROP');
    expect(view.symbols.hidden).toBe(false);
    expect([view.features.get('btf'), view.features.get('ringbuf')]).toEqual(['yes', 'no']);
  });

  test('reads nothing before it is asked for, and BTF once', () => {
    const reader = recordedKernel('6.12');
    const view = open(reader);
    expect(reader.reads).toEqual([]);
    expect(view.btf).toBe(view.btf);
    expect(view.reasons).toBe(view.reasons);
    expect(reader.reads).toEqual(['/sys/kernel/btf/vmlinux']);
  });

  test('reads BTF again after it was let go of', () => {
    const reader = recordedKernel('6.12');
    const view = open(reader);
    const { btf, reasons } = view;
    view.features.get('btf');
    view.modules.get('openvswitch');
    view.forgetTypes();
    expect(view.reasons).toBe(reasons);
    expect(reader.reads.filter((path) => path.endsWith('/vmlinux'))).toHaveLength(1);
    expect(view.btf).not.toBe(btf);
    expect(view.modules.get('openvswitch')?.base).toBe(view.btf);
    expect(reader.reads.filter((path) => path.endsWith('/vmlinux'))).toHaveLength(2);
  });

  test('a kernel without BTF is an error that names the option to build it with', () => {
    let error: unknown;
    try {
      expect(open(new MapReader({})).btf).toBeUndefined();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as UnsupportedError).message).toMatch(
      /\/sys\/kernel\/btf\/vmlinux: no such file/,
    );
    expect((error as UnsupportedError).hint).toMatch(/CONFIG_DEBUG_INFO_BTF/);
  });

  test('a module that is not there has no BTF', () => {
    expect(open(recordedKernel('5.10')).modules.get('veth')).toBeUndefined();
  });
});
