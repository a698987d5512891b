import { describe, expect, it } from 'vitest';
import { DeviceNames } from '../../../src/kernel/device-names.ts';
import { parseIpLinks } from '../../../src/kernel/links.ts';
import { redirectSource } from '../../../src/kernel/redirect-source.ts';
import { makeKernel } from '../../support/function-kernel.ts';
import { MapReader } from '../../support/kernels.ts';

describe('parseIpLinks()', () => {
  it('tells the XDP programs of a device, in one mode or in several', () => {
    const links = parseIpLinks(
      JSON.stringify([
        { ifindex: 1, ifname: 'lo', link_type: 'loopback' },
        { ifindex: 2, ifname: 'eth0', link_type: 'ether', xdp: { mode: 1, prog: { id: 12 } } },
        {
          ...{ ifindex: 3, ifname: 'eth1', link_type: 'ether' },
          xdp: {
            mode: 4,
            attached: [
              { mode: 1, prog: { id: 13 } },
              { mode: 3, prog: { id: 14 } },
            ],
          },
        },
      ]),
    );
    expect(links.map(({ xdpPrograms }) => xdpPrograms)).toEqual([undefined, [12], [13, 14]]);
  });
});

describe('DeviceNames', () => {
  it('lists a namespace again for a number that it does not know, once a second', () => {
    let now = 0;
    let listed = 0;
    const netns = { own: 1, path: () => '/proc/self/ns/net' };
    const names = new DeviceNames(
      netns,
      () => {
        listed += 1;
        return [{ ifindex: listed, name: `eth${listed}`, type: 1 }];
      },
      () => now,
    );
    expect(names.name(1, 1)).toBe('eth1');
    expect(names.name(1, 1)).toBe('eth1');
    expect(names.name(1, 2)).toBeUndefined();
    now = 1000;
    expect(names.name(1, 2)).toBe('eth2');
    expect(listed).toBe(2);
  });
});

describe('redirectSource()', () => {
  const { view } = makeKernel({ functions: [] });

  it('is a per-CPU variable where the task has none', () => {
    const reader = new MapReader({
      files: {
        '/proc/kallsyms':
          '0000000000031440 A bpf_redirect_info\nffffffff82345678 R __per_cpu_offset\n',
      },
    });
    expect(redirectSource(view.btf, 'x64', reader)).toEqual({
      ...{ kind: 'cpu', info: 0x31440n, perCpuOffsets: 0xffffffff82345678n },
    });
  });

  it('is nothing where kallsyms has no data symbols', () => {
    const reader = new MapReader({ files: { '/proc/kallsyms': 'ffffffff81000000 T ip_rcv\n' } });
    expect(redirectSource(view.btf, 'x64', reader)).toEqual({ kind: 'none' });
  });
});
