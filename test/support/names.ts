import type { Names } from '../../src/records/names.ts';

/** Of a run with one hook, where nothing has a name. */
export const NO_NAMES: Names = {
  hooks: ['drop'],
  attachPoints: [],
  socketOwner: () => undefined,
  returns: [undefined],
  clockOffsetNs: () => 0n,
  reason: undefined,
  location: () => '',
  netns: () => undefined,
  netnsLabel: () => undefined,
  contextByStack: false,
  user: undefined,
};
