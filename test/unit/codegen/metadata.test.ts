import { expect, test } from 'vitest';
import { emitMetadataHeader, type MetadataMatches } from '../../../src/codegen/metadata.ts';
import { RunValues } from '../../../src/codegen/run-values.ts';

const NONE = { accept: [], refuse: [] };
const ALL: MetadataMatches = {
  ...{ reason: NONE, netns: NONE, interface: NONE, ifname: NONE, mark: NONE, pid: NONE },
  ...{ tid: NONE, uid: NONE, comm: NONE, cgroup: NONE },
};

function emit(matches: Partial<MetadataMatches>, who: { owner?: boolean; follow?: boolean } = {}) {
  const values = new RunValues();
  const text = emitMetadataHeader({ ...ALL, ...matches }, values.of, {
    ...{ owner: false, cgroup: false, follow: false },
    ...who,
  });
  return { text, values: values.all };
}

test('without a filter nothing is asked', () => {
  expect(emit({}, { owner: true, follow: true }).text).toBe(emit({}).text);
  expect(emit({}).text).not.toContain('if (');
});

test('pid is of the task, in process context, and of nobody else unless asked for', () => {
  const { text, values } = emit({ pid: { accept: [5, 6], refuse: [] } });
  expect(values).toEqual([5n, 6n]);
  expect(text).toContain('context <= XCAP_CONTEXT_PROCESS && (tgid == XCAP_VALUE(0)');
  expect(text).toContain('return XCAP_COUNT_REJECTED_CONTEXT;');
  expect(text).not.toContain('owner');
});

test('an owner is asked with the same numbers, whatever the context', () => {
  const { text, values } = emit({ pid: { accept: [5], refuse: [6] } }, { owner: true });
  expect(values).toEqual([5n, 6n]);
  expect(text).toContain('(owner && (owner->tgid == XCAP_VALUE(0)))');
  expect(text).toContain('(owner && (owner->tgid == XCAP_VALUE(1)))');
  expect(text).toContain('if (context > XCAP_CONTEXT_PROCESS && !owner)');
});

test('who is followed is in a map: no number is in the program', () => {
  const { text, values } = emit(
    { pid: { accept: [5], refuse: [] } },
    { owner: true, follow: true },
  );
  expect(values).toEqual([]);
  expect(text).toContain('xcap_followed(tgid) == XCAP_FOLLOW_ACCEPT');
  expect(text).toContain('(owner && xcap_followed(owner->tgid) == XCAP_FOLLOW_ACCEPT)');
});

test('a cgroup is asked by its number and by how deep it is', () => {
  const { text, values } = emit({ cgroup: { accept: [{ id: 70, level: 2 }], refuse: [] } });
  expect(text).toContain('if (!(xcap_in_cgroup(cgroup, XCAP_VALUE(0), XCAP_VALUE(1))))');
  expect(values).toEqual([2n, 70n]);
});
