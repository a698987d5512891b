import { expect, it } from 'vitest';
import { parseHookMapFacts } from '../../../src/kernel/hook-map-facts.ts';

/** Of a 6.18 kernel. */
const FDINFO = `pos:\t0
flags:\t02000002
mnt_id:\t15
ino:\t1057
map_type:\t3
key_size:\t4
value_size:\t4
max_entries:\t5
map_flags:\t0x0
map_extra:\t0x0
memlock:\t352
map_id:\t15386
frozen:\t0
`;

it('reads what a map is', () => {
  const facts = { id: 15386, type: 3, keySize: 4, valueSize: 4, maxEntries: 5 };
  expect(parseHookMapFacts(FDINFO)).toEqual({ ...facts, ownerType: undefined });
  expect(parseHookMapFacts(`${FDINFO}owner_prog_type:\t6\nowner_jited:\t1\n`)).toEqual({
    ...facts,
    ownerType: 6,
  });
});

it('knows that something is no map', () => {
  expect(parseHookMapFacts('pos:\t0\nprog_type:\t6\nprog_jited:\t1\n')).toBeUndefined();
});
