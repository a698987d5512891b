import { expect, test } from 'vitest';
import { COMMENT_KEYS, formatComment, parseComment } from '../../../src/output/comment.ts';
import { sampleRecord } from './samples.ts';

test('formatComment() writes the words of a record in their fixed order', () => {
  expect(formatComment(sampleRecord())).toBe(
    'hook=drop reason=NETFILTER_DROP location=nf_hook_slow+0xa2 pid=4242 tid=4243 comm=ping ' +
      'context=softirq netns=4026532173 netns_name=blue ifindex=2 mark=0',
  );
});

test('formatComment() leaves out what is unknown and keeps zero', () => {
  const unknown = {
    reason: undefined,
    location: undefined,
    context: undefined,
    netns: undefined,
    netnsName: undefined,
    netnsLabel: undefined,
    ifindex: undefined,
  };
  expect(formatComment(sampleRecord({ ...unknown, pid: 0, tid: 0, comm: 'swapper/1' }))).toBe(
    'hook=drop pid=0 tid=0 comm=swapper/1 mark=0',
  );
});

test.each([
  ['plain', 'plain'],
  ['', '""'],
  ['two words', '"two words"'],
  ['a=b', '"a=b"'],
  ['say "hi"', String.raw`"say \"hi\""`],
  ['back\\slash', String.raw`"back\\slash"`],
  ['new\nline\0', String.raw`"new\x0aline\x00"`],
  ['né', String.raw`"n\xc3\xa9"`],
  ['\x7f', String.raw`"\x7f"`],
])('formatComment() writes the value %j as %s', (value, written) => {
  expect(formatComment({ hook: 'drop', comm: value })).toBe(`hook=drop comm=${written}`);
});

test('every key is written and read', () => {
  const fields = {} as Record<string, string | number>;
  for (const [key, { field, kind }] of Object.entries(COMMENT_KEYS)) {
    fields[field] = kind === 'number' ? key.length : `of ${key}`;
  }
  fields['context'] = 'nmi';
  fields['link'] = 'none';
  const text = formatComment(fields);
  expect(text.match(/(?<=^| )[a-z_]+(?==)/g)).toEqual(Object.keys(COMMENT_KEYS));
  expect(parseComment(text)).toEqual(fields);
});

/** A generator with a fixed seed (Numerical Recipes' constants), so that a failure repeats. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('parseComment() gives back what formatComment() was given', () => {
  const next = numbers(20261121);
  const alphabet = Array.from('ab Z09=="\'\\\\x41\n\t\0\x1b\x7f\x80éß→😀\u202e,;|{}[]()$`');
  const text = (): string =>
    Array.from({ length: next(17) }, () => alphabet[next(alphabet.length)]).join('');
  for (let round = 0; round < 2000; round += 1) {
    const fields: Record<string, string | number> = { hook: text() };
    for (const { field, kind } of Object.values(COMMENT_KEYS)) {
      if (field === 'context' || field === 'link' || next(2) === 0) continue;
      fields[field] = kind === 'number' ? next(2 ** 32) : text();
    }
    // It says that the event is a socket's: the others go with it.
    fields['family'] = text();
    const comment = formatComment(fields);
    expect(comment).toMatch(/^[ -~]*$/);
    expect(parseComment(comment)).toEqual(fields);
  }
});

test('parseComment() passes over the keys of a later version', () => {
  expect(parseComment('hook=drop novel="a \\"b\\"" mark=7')).toEqual({ hook: 'drop', mark: 7 });
});

test.each(['', 'look here', 'hook=drop and more', 'hook="drop', 'mark=1', 'hook=drop pid=x'])(
  'parseComment() knows that %j is not ours',
  (text) => {
    expect(parseComment(text)).toBeUndefined();
  },
);

test('a comment with every value far too long still fits an option', () => {
  const fields: Record<string, string | number> = {};
  for (const { field, kind } of Object.values(COMMENT_KEYS)) {
    fields[field] = kind === 'number' ? 4294967295 : '\x01'.repeat(70_000);
  }
  fields['link'] = 'none';
  fields['context'] = 'process';
  const text = formatComment(fields);
  expect(text.length).toBeLessThanOrEqual(65_535);
  expect(parseComment(text)?.hook).toMatch(/^\x01{1000,}$/);
});
