import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import {
  type FeatureAnswer,
  type FeatureId,
  Features,
  parseFeature,
} from '../../../src/kernel/features.ts';

/** Gives the answers in turn, and counts. */
function scripted(...answers: FeatureAnswer[]): {
  probe: (id: FeatureId) => FeatureAnswer;
  asked: FeatureId[];
} {
  const asked: FeatureId[] = [];
  return {
    asked,
    probe: (id) => {
      asked.push(id);
      return answers[asked.length - 1] ?? { unknown: 'no answer left' };
    },
  };
}

describe('Features', () => {
  test.each(['yes', 'no'] as const)('a %s is asked for once', (answer) => {
    const { probe, asked } = scripted(answer);
    const features = new Features(probe);
    expect([features.get('ringbuf'), features.get('ringbuf')]).toEqual([answer, answer]);
    expect(asked).toEqual(['ringbuf']);
  });

  test('an unknown is asked for again', () => {
    const { probe } = scripted({ unknown: 'EPERM' }, 'yes');
    const features = new Features(probe);
    expect(features.get('tp-btf')).toEqual({ unknown: 'EPERM' });
    expect(features.get('tp-btf')).toBe('yes');
  });

  test('has() is true for a yes only', () => {
    const { probe } = scripted('no', { unknown: 'ENOMEM' }, 'yes');
    const features = new Features(probe);
    expect([features.has('btf'), features.has('ringbuf'), features.has('raw-tp')]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test('what is forced off is never probed', () => {
    const { probe, asked } = scripted('yes');
    expect(new Features(probe, ['tp-btf']).get('tp-btf')).toBe('no');
    expect(asked).toEqual([]);
  });
});

describe('parseFeature()', () => {
  test('knows the table', () => {
    expect(parseFeature('kprobe-multi')).toBe('kprobe-multi');
  });

  test.each(['ringbuff', 'toString', '__proto__', ''])('%j is a usage error', (name) => {
    expect(() => parseFeature(name)).toThrow(UsageError);
  });
});
