import { EXIT, XcapError, type XcapErrorOptions } from '../errors.ts';

/** BTF that cannot be read, or that lacks the shape it was asked for: status 4. */
export class BtfError extends XcapError {
  constructor(message: string, options?: XcapErrorOptions) {
    super(EXIT.unsupported, message, options);
  }
}
