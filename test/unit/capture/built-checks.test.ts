import { describe, expect, it } from 'vitest';
import {
  requireKernel,
  requireSameProgram,
  requireVersion,
  sameAbilities,
} from '../../../src/capture/built-checks.ts';
import { sha256 } from '../../../src/util/sha256.ts';
import { UnsupportedError } from '../../../src/errors.ts';
import type { FeatureAnswer } from '../../../src/kernel/features.ts';
import { BUILT } from './support/built.ts';

/** The error, whose remedy is part of it. */
function refusal(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(UnsupportedError);
    const { message, hint } = error as UnsupportedError;
    expect(message).not.toContain('\n');
    return `${message} | ${hint ?? ''}`;
  }
  throw new Error('was not refused');
}

describe('what was built is refused', () => {
  const { kernel } = BUILT;

  it('on a kernel of another release, and both are named', () => {
    expect(() => {
      requireKernel(kernel, { ...kernel }, 'x');
    }).not.toThrow();
    const other = { ...kernel, release: '6.12.108', btf: 'c'.repeat(64) };
    expect(
      refusal(() => {
        requireKernel(kernel, other, 'x.xcap');
      }),
    ).toMatch(
      /^running x\.xcap: built for Linux 6\.12\.107\+deb13-cloud-amd64 \(x64\), this is Linux 6\.12\.108 \(x64\) \| .*--release 6\.12\.108/,
    );
  });

  it('on another architecture', () => {
    expect(
      refusal(() => {
        requireKernel(kernel, { ...kernel, arch: 'arm64' }, 'x');
      }),
    ).toContain('(x64), this is Linux 6.12.107+deb13-cloud-amd64 (arm64)');
  });

  it('on a kernel of the same name with other types', () => {
    expect(
      refusal(() => {
        requireKernel(kernel, { ...kernel, btf: 'c'.repeat(64) }, 'x');
      }),
    ).toContain("with BTF aaaaaaaaaaaa, this one's BTF is cccccccccccc");
  });

  it('by another version of xcap', () => {
    expect(() => {
      requireVersion(BUILT, '0.1.0', 'x');
    }).not.toThrow();
    expect(
      refusal(() => {
        requireVersion(BUILT, '0.2.0', 'x');
      }),
    ).toContain('built by xcap 0.1.0, this is 0.2.0');
  });

  it('where the kernel cannot, or can, do what was relied on', () => {
    const answers: Partial<Record<string, FeatureAnswer>> = { 'tp-btf': 'yes' };
    const prober = sameAbilities((id) => answers[id] ?? 'no', BUILT, 'x');
    expect([prober('tp-btf'), prober('percpu-ksym'), prober('fentry')]).toEqual([
      'yes',
      'no',
      'no',
    ]);
    answers['tp-btf'] = { unknown: 'EPERM' };
    expect(refusal(() => prober('tp-btf'))).toMatch(
      /it needs what is not here: BTF-typed BPF programs on tracepoints \| .*--without-feature tp-btf/,
    );
    answers['percpu-ksym'] = 'yes';
    expect(refusal(() => prober('percpu-ksym'))).toContain('built for a kernel without: per-CPU');
  });

  it('where other C would be compiled', () => {
    const functions = ['xcap_tp_btf_0'];
    const text = 'int xcap_tp_btf_0(u64 *ctx) { return 0; }';
    const built = { hooks: ['tcp_rcv (fentry)'], units: [{ sha256: sha256(text), functions }] };
    const plan = (units: readonly { text: string; functions: readonly string[] }[]) => ({
      program: { units, functionOf: [], watchers: [], values: [] },
      hooks: [],
    });
    expect(() => {
      requireSameProgram(built, plan([{ text, functions }]), 'x');
    }).not.toThrow();
    for (const units of [
      [],
      [{ text: `${text} `, functions }],
      [{ text, functions: ['other'] }],
      [
        { text, functions },
        { text, functions },
      ],
    ]) {
      expect(
        refusal(() => {
          requireSameProgram(built, plan(units), 'x');
        }),
      ).toContain('built to hook tcp_rcv (fentry); here that would be');
    }
    expect(
      refusal(() => {
        requireSameProgram({ ...built, hooks: [] }, plan([]), 'x');
      }),
    ).toContain('this system needs another program');
  });
});
