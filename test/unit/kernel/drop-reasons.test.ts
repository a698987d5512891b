import { describe, expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { UnsupportedError, UsageError } from '../../../src/errors.ts';
import { DropReasons } from '../../../src/kernel/drop-reasons.ts';
import { ModuleBtfs } from '../../../src/kernel/module-btfs.ts';
import { readKernelBtf } from '../../../src/kernel/view.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';
import { recordedKernel } from '../../support/kernels.ts';

function reasonsOf(kernel: string): DropReasons {
  const reader = recordedKernel(kernel);
  const btf = readKernelBtf(reader);
  return DropReasons.fromBtf(btf, new ModuleBtfs(reader, () => btf));
}

/** Reasons from enums given as name -> members. */
function reasonsFrom(enums: Record<string, Record<string, number>>): DropReasons {
  const builder = new BtfBuilder();
  for (const [name, members] of Object.entries(enums)) {
    const values = Object.entries(members).map(([each, value]) => ({
      name: each,
      value: BigInt(value),
    }));
    builder.add({ kind: 'enum', name, sizeBytes: 4, signed: false, values });
  }
  return DropReasons.fromBtf(Btf.parse(builder.build()));
}

const hintOf = (call: () => unknown): string | undefined => {
  try {
    call();
  } catch (error) {
    return error instanceof UsageError ? error.hint : undefined;
  }
  return undefined;
};

describe('DropReasons on recorded kernels', () => {
  test.each([
    ['6.1', 7],
    ['6.12', 11],
    ['6.18', 12],
    ['7.2', 12],
  ])('%s: NETFILTER_DROP is %i', (kernel, value) => {
    const reasons = reasonsOf(kernel);
    expect(reasons.name(value)).toBe('NETFILTER_DROP');
    for (const text of [
      'NETFILTER_DROP',
      'netfilter_drop',
      'SKB_DROP_REASON_NETFILTER_DROP',
      `${value}`,
      `0x${value.toString(16)}`,
    ]) {
      expect(reasons.parse(text)).toBe(value);
    }
  });

  test.each([
    ['6.1', 'NOT_SPECIFIED', 1],
    ['6.1', 'NO_SOCKET', 2],
    ['6.12', 'SKB_CONSUMED', 1],
    ['6.12', 'CONSUMED', 1],
    ['6.12', 'NO_SOCKET', 3],
    ['6.12', 'OVS_DROP_METER', 196613],
    ['7.2', 'OVS_DROP_METER', 131077],
    ['7.2', 'openvswitch:6', 131078],
    ['7.2', 'QDISC_DROP_GENERIC', 196609],
  ])('%s: %s is %i', (kernel, name, value) => {
    expect(reasonsOf(kernel).parse(name)).toBe(value);
  });

  test.each(['6.1', '6.12', '6.18', '7.2'])(
    '%s: list() holds no pseudo members and each name once',
    (kernel) => {
      const list = reasonsOf(kernel).list();
      expect(list.length).toBeGreaterThan(60);
      expect(list.filter(({ name }) => /_(MAX|MASK)$|^__|SUBSYS|^SKB_DROP/.test(name))).toEqual([]);
      expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
      expect(list.map(({ value }) => value)).toEqual(
        list.map(({ value }) => value).sort((a, b) => a - b),
      );
    },
  );

  test('names and numbers go both ways', () => {
    const reasons = reasonsOf('7.2');
    for (const { value, name } of reasons.list()) {
      expect(reasons.name(value)).toBe(name);
      expect(reasons.parse(name)).toBe(value);
    }
  });

  test("a subsystem's reasons come from its module, and know their subsystem", () => {
    const reasons = reasonsOf('7.2');
    expect(reasons.name(131073)).toBe('OVS_DROP_LAST_ACTION');
    expect(reasons.list().find(({ value }) => value === 131073)?.subsystem).toBe('OPENVSWITCH');
    expect(reasons.list().find(({ value }) => value === 12)?.subsystem).toBe('CORE');
  });

  test.each([
    [999, '999'],
    [0x2fff0, 'OPENVSWITCH:65520'],
    [0x990001, String(0x990001)],
    [0xffffffff, '4294967295'],
  ])('the unknown number %i is printed as %s', (value, text) => {
    const reasons = reasonsOf('7.2');
    expect(reasons.name(value)).toBe(text);
    expect(reasons.parse(text)).toBe(value);
  });

  test('5.10 has no reasons and says so', () => {
    const reasons = reasonsOf('5.10');
    expect(reasons.available).toBe(false);
    expect(reasons.list()).toEqual([]);
    expect(reasons.name(0)).toBe('0');
    expect(() => reasons.parse('NETFILTER_DROP')).toThrow(UnsupportedError);
  });

  test.each([
    ['netfilter_drpo', /did you mean NETFILTER_DROP/],
    ['SKB_DROP_REASON_NO_SOCKT', /did you mean NO_SOCKET/],
    ['zzzzzz', /^xcap reasons lists them/],
    ['4294967296', /./],
    ['QDISC:65536', /./],
    ['-1', /./],
    ['', /./],
  ])('parse(%j) is a usage error with a hint', (text, hint) => {
    expect(hintOf(() => reasonsOf('7.2').parse(text))).toMatch(hint);
  });
});

describe('DropReasons', () => {
  test('the core enum goes before one that repeats its values', () => {
    const reasons = reasonsFrom({
      mac80211_drop_reason: { RX_CONTINUE: 1, RX_DROP_U_MIC_FAIL: 0x10001 },
      skb_drop_reason: { SKB_CONSUMED: 1 },
      skb_drop_reason_subsys: {
        SKB_DROP_REASON_SUBSYS_CORE: 0,
        SKB_DROP_REASON_SUBSYS_MAC80211_UNUSABLE: 1,
        SKB_DROP_REASON_SUBSYS_NUM: 2,
      },
    });
    expect(reasons.name(1)).toBe('SKB_CONSUMED');
    expect(reasons.name(0x10001)).toBe('RX_DROP_U_MIC_FAIL');
    expect(reasons.list()).toHaveLength(2);
  });

  test('one name for two values is told apart by the subsystem', () => {
    const reasons = reasonsFrom({
      skb_drop_reason: { SKB_DROP_REASON_OVERLIMIT: 5 },
      x_drop_reason: { OVERLIMIT: 0x20001 },
      skb_drop_reason_subsys: { SKB_DROP_REASON_SUBSYS_QDISC: 2 },
    });
    expect(reasons.name(5)).toBe('OVERLIMIT');
    expect(reasons.name(0x20001)).toBe('QDISC_OVERLIMIT');
  });

  test('a module that comes later is found, its folder read at most every five seconds', () => {
    const kernel = recordedKernel('7.2');
    const path = '/sys/kernel/btf/openvswitch';
    const module = kernel.files.get(path)!;
    kernel.files.delete(path);
    const btf = readKernelBtf(kernel);
    let now = 0;
    const reasons = DropReasons.fromBtf(btf, new ModuleBtfs(kernel, () => btf), () => now);
    const folderReads = (): number =>
      kernel.reads.filter((each) => each === '/sys/kernel/btf').length;

    expect(reasons.name(131073)).toBe('OPENVSWITCH:1');
    kernel.files.set(path, module);
    now = 4999;
    expect(reasons.name(131073)).toBe('OPENVSWITCH:1');
    expect(folderReads()).toBe(1);
    now = 5000;
    expect(reasons.name(131073)).toBe('OVS_DROP_LAST_ACTION');
  });

  test('a module whose BTF is broken leaves its reasons as numbers', () => {
    const kernel = recordedKernel('7.2');
    kernel.files.set('/sys/kernel/btf/openvswitch', 'not BTF at all, but long enough');
    const btf = readKernelBtf(kernel);
    const reasons = DropReasons.fromBtf(btf, new ModuleBtfs(kernel, () => btf));
    expect(reasons.name(131073)).toBe('OPENVSWITCH:1');
    expect(reasons.list().length).toBeGreaterThan(100);
  });
});
