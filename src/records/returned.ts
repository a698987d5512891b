import type { ReturnType } from '../hooks/return-type.ts';
import { XDP_ACTIONS } from '../hooks/xdp-actions.ts';
import { errnoNameOf } from '../util/errno.ts';
import type { PacketRecord, VerdictCode } from './record.ts';

export type Returned = Pick<PacketRecord, 'ret' | 'verdict' | 'verdictCode'>;

/** Of tc those of include/uapi/linux/pkt_cls.h, TC_ACT_*. */
const VERDICTS: Readonly<Record<VerdictCode['by'], ReadonlyMap<number, string>>> = {
  xdp: new Map(XDP_ACTIONS.map((name, i) => [i, name.toUpperCase()])),
  tc: new Map([
    [-1, 'UNSPEC'],
    ...['OK', 'RECLASSIFY', 'SHOT', 'PIPE', 'STOLEN', 'QUEUED', 'REPEAT', 'REDIRECT', 'TRAP'].map(
      (name, i): [number, string] => [i, name],
    ),
  ]),
};

/** The highest address range of the kernel holds errors: include/linux/err.h. */
const MAX_ERRNO = 4095n;

/** The return value in words. @param value all 64 bits of the register, whatever is in the upper ones */
export function decodeReturn(type: ReturnType, value: bigint): Returned {
  switch (type.kind) {
    case 'verdict': {
      const code = Number(BigInt.asIntN(32, value));
      const number = type.by === 'xdp' ? code >>> 0 : code;
      const verdict = VERDICTS[type.by].get(number) ?? String(number);
      return { verdict, verdictCode: { by: type.by, value: number } };
    }
    case 'enum': {
      const signed = BigInt.asIntN(type.bits, value);
      return { ret: type.names.get(signed) ?? signedText(signed) };
    }
    case 'register':
      return { ret: `0x${value.toString(16)}` };
    case 'pointer': {
      const signed = BigInt.asIntN(64, value);
      if (signed < 0n && -signed <= MAX_ERRNO) return { ret: signedText(signed) };
      return { ret: value === 0n ? 'NULL' : `0x${value.toString(16)}` };
    }
    case 'unsigned':
      return { ret: String(BigInt.asUintN(type.bits, value)) };
    case 'signed':
      return { ret: signedText(BigInt.asIntN(type.bits, value)) };
  }
}

function signedText(value: bigint): string {
  const name = value < 0n && -value <= MAX_ERRNO ? errnoNameOf(Number(-value)) : undefined;
  return name === undefined ? String(value) : `-${name}`;
}
