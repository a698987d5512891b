import { hexNumber } from './dissection.ts';
import type { Dissection } from './dissection.ts';

const HEADER_LENGTH = 8;
const VNI_VALID = 0x08;

/** RFC 7348 section 5; the inner frame follows on the same line, with -v on one of its own. */
export function printVxlan(d: Dissection, at: number, length: number): void {
  d.protocol = 'vxlan';
  d.print('VXLAN');
  if (length < HEADER_LENGTH) {
    d.print(' (invalid)');
    return;
  }
  const flags = d.u8(at);
  d.print(`, flags [${(flags & VNI_VALID) === 0 ? 'invalid' : 'I'}] (${hexNumber(flags, 2)}), `);
  d.print(`vni ${d.u24(at + 4)}`);
  d.need(at, HEADER_LENGTH);
  d.print(d.options.verbose > 0 ? '\n\t' : ': ');
  d.layers.ethernet(d, at + HEADER_LENGTH, length - HEADER_LENGTH);
}
