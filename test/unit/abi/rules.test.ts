import { describe, expect, it } from 'vitest';
import { decodeRule, RULE_BYTES, RULE_FIELDS } from '../../../src/abi/rules.ts';

function bytesOf(fields: Readonly<Record<string, bigint | number | string>>): Uint8Array {
  const bytes = new Uint8Array(RULE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [name, value] of Object.entries(fields)) {
    const field = RULE_FIELDS.find((each) => each.name === name)!;
    if (typeof value === 'string') bytes.set(new TextEncoder().encode(value), field.offset);
    else if (typeof value === 'bigint') view.setBigUint64(field.offset, value, true);
    else if (field.type === 'u32') view.setUint32(field.offset, value, true);
    else view.setUint8(field.offset, value);
  }
  return bytes;
}

describe('what is known of a rule', () => {
  it('is read back as it was written', () => {
    const bytes = bytesOf({
      ...{ kind: 1, how: 1, table_handle: 7n, rule_handle: 0x2_0000_0001n, generation: 5n },
      ...{ netns: 4026532173, number: 3, family: 10, hook: 4, table: 't', chain: 'incoming' },
    });
    expect(decodeRule(bytes)).toEqual({
      ...{ kind: 'nft', how: 'rule', tableHandle: 7n, ruleHandle: 0x2_0000_0001n, generation: 5n },
      ...{ netns: 4026532173, number: 3, program: 0, family: 10, hook: 4 },
      ...{ table: 't', chain: 'incoming' },
    });
  });

  it('is nothing where the program found nothing, whatever lies there', () => {
    expect(decodeRule(bytesOf({ table: 'left over', how: 1 }))).toBeUndefined();
    expect(decodeRule(bytesOf({ kind: 99 }))).toBeUndefined();
  });

  it('has names up to the end of their room', () => {
    const rule = decodeRule(bytesOf({ kind: 2, how: 77, table: 'x'.repeat(64) }));
    expect(rule).toMatchObject({ table: 'x'.repeat(64), how: 'unknown', kind: 'xt' });
  });
});
