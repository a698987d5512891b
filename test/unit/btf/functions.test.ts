import { describe, expect, test } from 'vitest';
import { Btf } from '../../../src/btf/btf.ts';
import { findVariable, funcProto, functionOf, typedefId } from '../../../src/btf/functions.ts';
import { readKernelBtf } from '../../../src/kernel/view.ts';
import { BtfBuilder } from '../../support/btf-builder.ts';
import { recordedKernel } from '../../support/kernels.ts';

const kernel = (name: string): Btf => readKernelBtf(recordedKernel(name));

describe('funcProto()', () => {
  test.each([
    ['5.10', ['__data', 'skb', 'location']],
    ['6.1', ['__data', 'skb', 'location', 'reason']],
    ['6.12', ['__data', 'skb', 'location', 'reason', 'rx_sk']],
    ['6.18', ['__data', 'skb', 'location', 'reason', 'rx_sk']],
    ['7.2', ['__data', 'skb', 'location', 'reason', 'rx_sk']],
  ])('names the parameters of __traceiter_kfree_skb on %s', (name, params) => {
    const found = funcProto(kernel(name), '__traceiter_kfree_skb');
    expect(found?.params.map((param) => param.name)).toEqual(params);
    expect(found?.params[1]).toMatchObject({ pointsTo: 'sk_buff', const: false });
    expect(found?.params[2]?.pointsTo).toBeUndefined();
  });

  test('tells const pointees and variadic functions', () => {
    const builder = new BtfBuilder();
    const fwd = builder.add({ kind: 'fwd', name: 'sk_buff', union: false });
    const constant = builder.add({ kind: 'const', name: '', typeId: fwd });
    const ptr = builder.add({ kind: 'ptr', name: '', typeId: constant });
    const proto = builder.add({
      kind: 'func_proto',
      name: '',
      returnTypeId: ptr,
      params: [
        { name: 'skb', typeId: ptr },
        { name: '', typeId: 0 },
      ],
    });
    const func = builder.add({ kind: 'func', name: 'f', typeId: proto, linkage: 0 });
    expect(funcProto(Btf.parse(builder.build()), 'f')).toEqual({
      id: func,
      params: [{ name: 'skb', typeId: ptr, pointsTo: 'sk_buff', const: true }],
      returns: { name: '', typeId: ptr, pointsTo: 'sk_buff', const: true },
      variadic: true,
    });
  });

  test('functionOf() refuses what is no function', () => {
    const builder = new BtfBuilder();
    const int = builder.int('int', 4);
    expect(() => functionOf(Btf.parse(builder.build()), int)).toThrow(/it is no function: int/);
  });
});

test.each(['5.10', '6.1', '6.12', '6.18', '7.2'])('typedefId() finds btf_trace_* on %s', (name) => {
  const btf = kernel(name);
  for (const tracepoint of [
    'kfree_skb',
    'consume_skb',
    'netif_receive_skb',
    'net_dev_start_xmit',
  ]) {
    const id = typedefId(btf, `btf_trace_${tracepoint}`);
    expect(btf.pointee(id!)?.kind).toBe('func_proto');
  }
});

describe('findVariable()', () => {
  test.each([
    ['5.10', undefined, undefined],
    ['6.1', 4, undefined],
    ['6.12', undefined, 'pcpu_hot'],
    ['6.18', 4, undefined],
    ['7.2', 4, undefined],
  ])('%s: __preempt_count of size %s, pcpu_hot is struct %s', (name, count, hot) => {
    const btf = kernel(name);
    expect(findVariable(btf, '__preempt_count')?.sizeBytes).toBe(count);
    expect(findVariable(btf, 'pcpu_hot')?.struct).toBe(hot);
  });
});
