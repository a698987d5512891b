/* ip[ip[2:2]] = 1 and ether[300:4] / ip[8] > len */

/* window 16, reach 65550, beyond true */
static __always_inline u32 xcap_filter_l2(struct xcap_pkt *p, u8 *w)
{
	u32 A, m4, m6, X;

	if (p->linear < 0x130)
		return xcap_outside(p, 0x130);
	if (XCAP_WINDOW(w, 0, 16, p->start, 0xc))
		return 0;
	A = xcap_be16(w + 0);
	if (A != 0x800)
		return 0;
	A = XCAP_OF_WORD(be16, w + 3, 1, xcap_be16(w + 4));
	X = A;
	if (p->linear < X + 0xf)
		return xcap_outside(p, X + 0xf);
	if (xcap_fetch8(p, X + 0xe, &A))
		return 0;
	if (A != 1)
		return 0;
	if (xcap_fetch32(p, 0x12c, &A))
		return 0;
	m4 = A;
	A = XCAP_OF_WORD(byte, w + 3, 7, xcap_byte(w + 10));
	X = A;
	A = m4;
	if (X == 0)
		return 0;
	A /= X;
	m6 = A;
	A = p->wire_len;
	X = A;
	A = m6;
	if (A > X)
		return 0x40000;
	return 0;
}

/* raw IP: it matches by their link header only */
